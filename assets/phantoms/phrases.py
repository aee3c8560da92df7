"""The phrase book: region -> finding -> (English, Vietnamese) wordings.

{side} is right/left, {state} is open/closed, {sev} is empty or an English adjective with a space after it,
respectively a Vietnamese one with a space before it.
"""

from .phrases_airway import AIRWAY

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
    **AIRWAY,
}
