"""The phrase book: region -> finding -> (English, Vietnamese) wordings.

{side} is right/left, {state} is open/closed, {sev} is empty or an English adjective with a space after it,
respectively a Vietnamese one with a space before it.
"""

PHRASES: dict[str, dict[str, list[tuple[str, str]]]] = {
    "ear": {
        "normal": [
            ("normal {side} tympanic membrane", "màng nhĩ {side} bình thường"),
            (
                "{side} ear, intact pearly eardrum with cone of light",
                "tai {side}, màng nhĩ nguyên vẹn, còn nón sáng",
            ),
            ("healthy {side} ear canal and eardrum", "ống tai và màng nhĩ {side} bình thường"),
            ("{side} eardrum without any lesion", "màng nhĩ {side} không thấy tổn thương"),
        ],
        "erythema": [
            ("{sev}erythema of the {side} tympanic membrane", "màng nhĩ {side} sung huyết đỏ{sev}"),
            ("{side} ear, {sev}redness of the eardrum", "tai {side}, màng nhĩ đỏ{sev}"),
            (
                "{sev}hyperemia of the {side} eardrum with dilated vessels",
                "màng nhĩ {side} sung huyết{sev}, giãn mạch máu",
            ),
            ("{sev}congestion of the {side} tympanic membrane", "sung huyết màng nhĩ {side}{sev}"),
        ],
        "edema": [
            ("{sev}edema of the {side} external auditory canal", "phù nề ống tai ngoài {side}{sev}"),
            ("{side} ear canal narrowed by {sev}swelling", "ống tai {side} hẹp do phù nề{sev}"),
            ("{sev}swelling of the {side} ear canal wall", "thành ống tai {side} sưng nề{sev}"),
            (
                "{side} ear, {sev}canal edema hiding the eardrum",
                "tai {side}, ống tai phù nề{sev} che khuất màng nhĩ",
            ),
        ],
        "purulent discharge": [
            ("{sev}purulent discharge in the {side} ear canal", "dịch mủ trong ống tai {side}{sev}"),
            ("{side} ear canal with {sev}yellow pus", "ống tai {side} đọng mủ vàng{sev}"),
            ("{side} ear, {sev}purulent otorrhea", "tai {side} chảy mủ{sev}"),
            ("pus in front of the {side} eardrum", "mủ đọng trước màng nhĩ {side}"),
        ],
        "cerumen": [
            ("cerumen in the {side} ear canal", "ráy tai trong ống tai {side}"),
            ("{side} ear canal blocked by brown wax", "ống tai {side} bít tắc bởi ráy nâu"),
            ("{side} ear, lumps of cerumen covering the eardrum", "tai {side}, cục ráy che màng nhĩ"),
            ("ear wax plug on the {side}", "nút ráy tai {side}"),
        ],
        "fungal debris": [
            ("fungal debris in the {side} ear canal", "mảng nấm trong ống tai {side}"),
            (
                "{side} otomycosis with white debris and black spores",
                "nấm ống tai {side}, mảng trắng lẫn bào tử đen",
            ),
            ("{side} ear, white fungal mass with black dots", "tai {side}, khối nấm trắng có chấm đen"),
            ("fungal infection of the {side} external ear canal", "viêm ống tai ngoài {side} do nấm"),
        ],
        "perforation": [
            ("{sev}perforation of the {side} tympanic membrane", "thủng màng nhĩ {side}, lỗ thủng{sev}"),
            ("{side} ear, {sev}hole in the eardrum", "tai {side}, màng nhĩ có lỗ thủng{sev}"),
            (
                "{sev}perforation in the pars tensa of the {side} eardrum",
                "lỗ thủng{sev} ở màng căng màng nhĩ {side}",
            ),
            ("perforated {side} eardrum", "màng nhĩ {side} bị thủng"),
        ],
        "thickened membrane": [
            ("{sev}thickening of the {side} tympanic membrane", "dày màng nhĩ {side}{sev}"),
            ("dull, opaque and thickened {side} eardrum", "màng nhĩ {side} dày đục, mất bóng"),
            (
                "{side} ear, {sev}thickened eardrum without cone of light",
                "tai {side}, màng nhĩ dày{sev}, mất nón sáng",
            ),
            ("thick opaque {side} tympanic membrane", "màng nhĩ {side} dày và đục"),
        ],
        "effusion": [
            ("amber effusion behind the {side} eardrum", "dịch vàng sau màng nhĩ {side}"),
            ("{side} middle ear fluid level with bubbles", "hòm nhĩ {side} có mức dịch và bóng khí"),
            ("{side} ear, otitis media with effusion", "tai {side}, viêm tai giữa ứ dịch"),
            ("fluid in the {side} middle ear", "ứ dịch tai giữa {side}"),
        ],
        "scar": [
            ("tympanosclerotic scar of the {side} eardrum", "sẹo xơ nhĩ ở màng nhĩ {side}"),
            ("chalky white plaque on the {side} tympanic membrane", "mảng vôi trắng trên màng nhĩ {side}"),
            ("{side} ear, white scar of the eardrum", "tai {side}, màng nhĩ có sẹo trắng"),
            ("calcified scar on the {side} tympanic membrane", "sẹo vôi hóa màng nhĩ {side}"),
        ],
    },
    "nose": {
        "normal": [
            ("normal {side} nasal cavity", "hốc mũi {side} bình thường"),
            (
                "{side} nostril with normal turbinates and straight septum",
                "mũi {side}, cuốn mũi bình thường, vách ngăn thẳng",
            ),
            ("clear {side} nasal passage without discharge", "hốc mũi {side} thông thoáng, không có dịch"),
            ("healthy pink mucosa of the {side} nasal cavity", "niêm mạc hốc mũi {side} hồng hào"),
        ],
        "erythema": [
            ("{sev}erythema of the {side} nasal mucosa", "niêm mạc mũi {side} sung huyết đỏ{sev}"),
            (
                "{side} nasal cavity with {sev}red congested mucosa",
                "hốc mũi {side} niêm mạc đỏ sung huyết{sev}",
            ),
            (
                "{sev}hyperemia of the {side} turbinate and septum",
                "cuốn mũi và vách ngăn {side} sung huyết{sev}",
            ),
            ("{side} nose, {sev}inflamed red mucosa", "mũi {side}, niêm mạc viêm đỏ{sev}"),
        ],
        "edema": [
            ("{sev}edema of the {side} inferior turbinate", "phù nề cuốn mũi dưới {side}{sev}"),
            (
                "{side} nasal cavity narrowed by {sev}turbinate swelling",
                "hốc mũi {side} hẹp do cuốn mũi phù nề{sev}",
            ),
            ("{sev}swelling of the {side} nasal turbinates", "các cuốn mũi {side} sưng nề{sev}"),
            ("{side} nose, {sev}swollen inferior turbinate", "mũi {side}, cuốn dưới phù nề{sev}"),
        ],
        "pale mucosa": [
            ("{sev}pallor of the {side} nasal mucosa", "niêm mạc mũi {side} nhợt nhạt{sev}"),
            ("{side} nasal cavity with pale boggy mucosa", "hốc mũi {side} niêm mạc nhợt, phù mọng"),
            ("pale {side} turbinate and septum", "cuốn mũi và vách ngăn {side} nhợt màu"),
            ("{side} nose, {sev}pale allergic mucosa", "mũi {side}, niêm mạc nhợt kiểu dị ứng{sev}"),
        ],
        "watery mucus": [
            ("watery mucus in the {side} nasal cavity", "dịch trong loãng ở hốc mũi {side}"),
            ("clear thin secretion on the {side} turbinate", "dịch trong loãng trên cuốn mũi {side}"),
            ("{side} nostril with clear watery discharge", "mũi {side} chảy dịch trong"),
            ("watery rhinorrhea of the {side} nose", "chảy nước mũi trong bên {side}"),
        ],
        "white mucus": [
            ("white mucus in the {side} nasal cavity", "dịch nhầy trắng ở hốc mũi {side}"),
            (
                "sticky white secretion between {side} turbinate and septum",
                "dịch trắng dính giữa cuốn mũi và vách ngăn {side}",
            ),
            ("{side} nostril with thick white mucus", "mũi {side} có nhầy trắng đặc"),
            ("strands of white mucus in the {side} nose", "sợi nhầy trắng trong mũi {side}"),
        ],
        "purulent discharge": [
            ("{sev}purulent discharge in the {side} middle meatus", "dịch mủ khe giữa mũi {side}{sev}"),
            (
                "{side} nasal cavity, {sev}yellow-green pus from the middle meatus",
                "hốc mũi {side}, mủ vàng xanh từ khe giữa{sev}",
            ),
            (
                "{sev}purulent secretion on the {side} inferior turbinate",
                "dịch mủ trên cuốn dưới {side}{sev}",
            ),
            ("pus draining in the {side} nose", "mủ chảy trong mũi {side}"),
        ],
        "polyp": [
            ("{sev}nasal polyp in the {side} middle meatus", "polyp{sev} khe giữa mũi {side}"),
            ("{side} nasal cavity with {sev}translucent polyp", "hốc mũi {side} có polyp{sev} trong mờ"),
            ("{sev}pale polyp of the {side} nose", "polyp mũi {side}{sev}, màu nhợt"),
            ("grape-like polyp in the {side} nostril", "polyp hình chùm nho ở mũi {side}"),
        ],
        "septal spur": [
            ("{sev}septal spur in the {side} nasal cavity", "gai vách ngăn{sev} trong hốc mũi {side}"),
            ("{sev}spur of the nasal septum on the {side}", "gai vách ngăn mũi{sev} bên {side}"),
            (
                "{side} nose, {sev}sharp septal spur toward the turbinate",
                "mũi {side}, gai vách ngăn{sev} nhọn hướng về cuốn mũi",
            ),
            ("bony septal spur, {side} side", "gai xương vách ngăn bên {side}"),
        ],
        "septal deviation": [
            ("{sev}deviation of the nasal septum to the {side}", "vẹo vách ngăn mũi sang {side}{sev}"),
            (
                "{sev}septal deviation narrowing the {side} nasal cavity",
                "vẹo vách ngăn{sev} làm hẹp hốc mũi {side}",
            ),
            ("nasal septum bowed into the {side} nasal cavity", "vách ngăn cong lồi vào hốc mũi {side}"),
            ("{side} nose, {sev}deviated septum", "mũi {side}, vách ngăn lệch{sev}"),
        ],
        "bleeding": [
            ("bleeding from the {side} nasal septum", "chảy máu từ vách ngăn mũi {side}"),
            (
                "{side} epistaxis with fresh blood on the septum",
                "chảy máu mũi {side}, máu tươi trên vách ngăn",
            ),
            ("fresh blood in the {side} nasal cavity", "máu tươi trong hốc mũi {side}"),
            ("{side} nose, blood running down the septum", "mũi {side}, máu chảy dọc vách ngăn"),
        ],
        "scar": [
            (
                "scar band between {side} turbinate and septum",
                "dải sẹo dính giữa cuốn mũi và vách ngăn {side}",
            ),
            ("synechia in the {side} nasal cavity", "dính hốc mũi {side}"),
            ("{side} nose, white adhesion bridging the cavity", "mũi {side}, dải xơ trắng bắc qua hốc mũi"),
            ("postoperative scar adhesion of the {side} nose", "sẹo dính sau mổ ở mũi {side}"),
        ],
    },
    "throat": {
        "normal": [
            ("normal oropharynx", "họng miệng bình thường"),
            ("throat with normal tonsils and uvula", "họng, amidan và lưỡi gà bình thường"),
            ("healthy pharyngeal mucosa without lesion", "niêm mạc họng bình thường, không tổn thương"),
            ("clean posterior pharyngeal wall, small tonsils", "thành sau họng sạch, amidan nhỏ"),
        ],
        "erythema": [
            ("{sev}erythema of the pharyngeal mucosa", "niêm mạc họng sung huyết đỏ{sev}"),
            ("throat with {sev}diffuse redness", "họng đỏ lan tỏa{sev}"),
            ("{sev}acute pharyngitis with red mucosa", "viêm họng cấp, niêm mạc đỏ{sev}"),
            ("{sev}congestion of the soft palate and pharynx", "khẩu cái mềm và họng sung huyết{sev}"),
        ],
        "edema": [
            ("{sev}edema of the uvula", "lưỡi gà phù nề{sev}"),
            ("throat with {sev}swollen uvula", "họng, lưỡi gà sưng nề{sev}"),
            ("{sev}swelling of the uvula and soft palate", "phù nề lưỡi gà và khẩu cái mềm{sev}"),
            ("enlarged edematous uvula in the throat", "họng có lưỡi gà phù mọng, to"),
        ],
        "tonsillar hypertrophy": [
            ("{sev}tonsillar hypertrophy", "amidan quá phát{sev}"),
            ("{sev}enlargement of both palatine tonsils", "hai amidan khẩu cái to{sev}"),
            ("throat narrowed by {sev}hypertrophic tonsils", "họng hẹp do amidan quá phát{sev}"),
            ("{sev}bilateral enlarged tonsils", "amidan hai bên to{sev}"),
        ],
        "tonsillar exudate": [
            ("white exudate on both tonsils", "chấm mủ trắng trên hai amidan"),
            ("exudative tonsillitis with white spots", "viêm amidan có chấm mủ trắng"),
            ("throat, tonsils covered with white exudate", "họng, amidan phủ chất xuất tiết trắng"),
            ("purulent follicles on red tonsils", "amidan đỏ có hốc mủ"),
        ],
        "granular posterior wall": [
            ("{sev}granular posterior pharyngeal wall", "thành sau họng nổi hạt{sev}"),
            ("{sev}granular pharyngitis", "viêm họng hạt{sev}"),
            ("throat with {sev}cobblestone lymphoid follicles", "họng có nhiều hạt lympho{sev}"),
            ("{sev}lymphoid granules on the posterior pharynx", "hạt lympho ở thành sau họng{sev}"),
        ],
        "purulent discharge": [
            ("purulent discharge on the posterior pharyngeal wall", "dịch mủ chảy xuống thành sau họng"),
            ("throat with yellow postnasal pus", "họng có mủ vàng từ mũi sau chảy xuống"),
            ("purulent postnasal drip", "mủ chảy mũi sau xuống họng"),
            ("streak of pus behind the uvula", "vệt mủ phía sau lưỡi gà"),
        ],
        "white mucus": [
            ("white mucus on the posterior pharyngeal wall", "dịch nhầy trắng đọng ở thành sau họng"),
            ("throat with strands of white mucus", "họng có các sợi nhầy trắng"),
            ("sticky white secretion in the oropharynx", "dịch trắng dính ở họng miệng"),
            ("thick white mucus behind the uvula", "nhầy trắng đặc sau lưỡi gà"),
        ],
        "scar": [
            ("scarred tonsillar beds after tonsillectomy", "sẹo hố amidan sau cắt amidan"),
            ("throat, tonsils absent with white scars", "họng, amidan đã cắt, còn sẹo trắng"),
            ("fibrous scar of both tonsillar fossae", "sẹo xơ hai hố amidan"),
            ("old tonsillectomy scar in the oropharynx", "sẹo cũ cắt amidan ở họng miệng"),
        ],
    },
    "larynx": {
        "normal": [
            ("normal larynx, vocal cords {state}", "thanh quản bình thường, dây thanh {state}"),
            ("smooth white {state} vocal cords", "dây thanh trắng nhẵn, thanh môn {state}"),
            ("{state} glottis without any lesion", "thanh môn {state}, không thấy tổn thương"),
            (
                "healthy {state} vocal cords, crescent epiglottis",
                "dây thanh {state} bình thường, nắp thanh môn hình liềm",
            ),
        ],
        "erythema": [
            ("{sev}erythema of the {state} vocal cords", "dây thanh sung huyết đỏ{sev}, thanh môn {state}"),
            (
                "{sev}laryngitis, red vocal cords, {state} glottis",
                "viêm thanh quản{sev}, dây thanh đỏ, thanh môn {state}",
            ),
            (
                "{sev}hyperemia of the larynx, vocal cords {state}",
                "thanh quản sung huyết{sev}, dây thanh {state}",
            ),
            ("{state} vocal cords with {sev}congestion", "dây thanh {state}, sung huyết{sev}"),
        ],
        "edema": [
            ("{sev}edema of the {state} vocal cords", "dây thanh phù nề{sev}, thanh môn {state}"),
            (
                "{sev}swelling of the vocal cords, glottis {state}",
                "dây thanh sưng nề{sev}, thanh môn {state}",
            ),
            ("{sev}Reinke edema, vocal cords {state}", "phù Reinke{sev}, dây thanh {state}"),
            ("{state} vocal cords, gelatinous and swollen", "dây thanh {state}, phù mọng"),
        ],
        "vocal cord nodule": [
            ("nodules on the {state} vocal cords", "hạt xơ dây thanh, thanh môn {state}"),
            ("bilateral vocal cord nodules, glottis {state}", "hạt xơ dây thanh hai bên, thanh môn {state}"),
            ("{state} vocal cords with small facing nodules", "dây thanh {state}, có hạt xơ nhỏ đối xứng"),
            ("singer's nodules, vocal cords {state}", "hạt dây thanh ở người ca hát, dây thanh {state}"),
        ],
        "polyp": [
            ("{sev}vocal cord polyp, glottis {state}", "polyp dây thanh{sev}, thanh môn {state}"),
            ("{state} vocal cords with {sev}red polyp", "dây thanh {state}, có polyp đỏ{sev}"),
            (
                "{sev}polyp on the edge of the {state} vocal cord",
                "polyp{sev} ở bờ dây thanh, thanh môn {state}",
            ),
            ("hemorrhagic polyp, vocal cords {state}", "polyp xuất huyết, dây thanh {state}"),
        ],
        "omega-shaped epiglottis": [
            ("omega-shaped epiglottis, vocal cords {state}", "nắp thanh môn hình omega, dây thanh {state}"),
            (
                "curled omega epiglottis over the {state} glottis",
                "nắp thanh môn cuộn hình omega, thanh môn {state}",
            ),
            (
                "{state} vocal cords behind an omega epiglottis",
                "dây thanh {state} phía sau nắp thanh môn hình omega",
            ),
            (
                "epiglottis folded like an omega, glottis {state}",
                "nắp thanh môn gập hình omega, thanh môn {state}",
            ),
        ],
        "leukoplakia": [
            ("leukoplakia of the {state} vocal cords", "bạch sản dây thanh, thanh môn {state}"),
            (
                "white rough plaques on the {state} vocal cords",
                "mảng trắng sần trên dây thanh, thanh môn {state}",
            ),
            ("vocal cord leukoplakia, glottis {state}", "mảng bạch sản dây thanh, thanh môn {state}"),
            ("{state} vocal cords with keratotic white patches", "dây thanh {state}, có mảng sừng hóa trắng"),
        ],
        "white mucus": [
            (
                "white mucus on the {state} vocal cords",
                "dịch nhầy trắng đọng trên dây thanh, thanh môn {state}",
            ),
            ("strands of white mucus across the {state} glottis", "sợi nhầy trắng vắt qua thanh môn {state}"),
            ("{state} vocal cords with sticky white secretion", "dây thanh {state}, có dịch trắng dính"),
            (
                "thick white mucus in the larynx, cords {state}",
                "nhầy trắng đặc ở thanh quản, dây thanh {state}",
            ),
        ],
        "scar": [
            ("scar on the {state} vocal cord", "sẹo dây thanh, thanh môn {state}"),
            ("vocal cord scar with groove, glottis {state}", "sẹo lõm dây thanh, thanh môn {state}"),
            ("{state} vocal cords, fibrous white scar", "dây thanh {state}, có sẹo xơ trắng"),
            ("scarred vocal cord edge, glottis {state}", "bờ dây thanh có sẹo, thanh môn {state}"),
        ],
    },
}
