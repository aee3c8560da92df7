"""The phrase book for throat and larynx; `phrases.py` explains the placeholders."""

AIRWAY: dict[str, dict[str, list[tuple[str, str]]]] = {
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
