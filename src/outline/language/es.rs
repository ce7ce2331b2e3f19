//! Spanish.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "es",
    stemmer: Some(rust_stemmers::Algorithm::Spanish),
    stops: "a al algo alguien algún alguna algunas alguno algunos allí ante antes aquel aquella \
        aquellas aquello aquellos \
        aquí así aún aunque bajo bien cada casi como cómo con contra cual cuál cuales cualquier \
        cuando cuándo cuanto de \
        del desde donde dónde durante e el él ella ellas ellos en entonces entre era eran eres es \
        esa esas ese eso esos \
        esta está estaba estaban estamos están estar estas este esto estos estoy fue fueron ha \
        había habían haber hace \
        hacen hacer han has hasta hay he hemos la las le les lo los luego más me menos mi \
        mientras mis mismo misma mucho \
        mucha muchos muchas muy nada ni ningún ninguno no nos nosotros nuestra nuestro nuestros o \
        os otra otras otro otros \
        para pero poco por porque pues puede pueden puedes puedo que qué quien quién se sea según \
        ser sí si sido siempre \
        sin sino sobre solo sólo son soy su sus también tampoco tan tanto te tenemos tener tengo \
        ti tiene tienen tienes \
        toda todas todavía todo todos tu tú tus un una unas uno unos usted ustedes va vamos van \
        vez y ya yo",
    weak: "ahora años año bueno buena claro cosa cosas creo cree decir días día digamos dice \
        dicen digo dos ejemplo \
        empezar gente gracias gran grande hablar hablamos haciendo hecho hola hoy idea importante \
        ir mejor momento \
        nuevo nueva nunca parece parte pasa pensar pequeño persona personas poder pregunta \
        primero primera primer punto \
        quiere quiero realmente saber sabe sé segundo sea siguiente tal tema tiempo tipo tres ver \
        verdad vemos veces vale forma",
    joints: &[
        "de", "del", "la", "el", "los", "las", "en", "y", "para", "con", "por", "a", "sin", "al",
    ],
    and: "y",
    fillers: &[
        "pues", "bueno", "entonces", "y", "pero", "eh", "em", "este", "o", "sea", "claro", "vale",
        "sí", "no", "ahora", "así",
    ],
    hesitations: &["eh", "em", "ehm", "mmm"],
    leaning: &[
        "eso", "esto", "esa", "ese", "él", "ella", "ellos", "ellas", "lo", "le", "les", "se",
        "este", "esta", "porque", "o", "cual",
    ],
    pronouns: &["él", "ella", "ellos", "ellas"],
    openers: "ahora|ahora bien|vamos a|pasemos a|pasamos a|hablemos de|siguiente|el \
        siguiente|la siguiente|lo siguiente|por último|finalmente|para terminar|para \
        empezar|primero|en primer lugar|segundo|en segundo lugar|tercero|en tercer lugar|otra \
        cosa|otro tema|otra pregunta|la otra|el otro|bienvenidos|bienvenido|hoy|cuéntanos|\
        cuéntame|háblanos|háblame|volviendo a|la última|el último|la próxima|el próximo|quiero \
        hablar|quería hablar|me gustaría hablar|me gustaría preguntar|quiero preguntar|quería \
        preguntar|quisiera preguntar|voy a hablar|voy a explicar|voy a llegar a|podemos \
        hablar|podrías hablar|puedes hablar|podría hablar|puede hablar|déjame|déjeme|permíteme|\
        permítame|has mencionado|ha mencionado|mencionaste|usted mencionó|tengo una \
        pregunta|tenemos una pregunta|una pregunta|la pregunta|mi pregunta|esta es la|aquí es \
        donde|aquí está|aquí tenemos|en cuanto a|con respecto a|respecto a|en términos de|qué \
        hay de|qué pasa con|qué tal|cambiando de tema|empecemos|comencemos|vamos con|veamos|la \
        primera|la segunda|la tercera|el primero|el segundo|el tercero|un tema",
    closers: "gracias|muchas gracias|muy bien|de acuerdo|perfecto|vale|alguna pregunta|claro|\
        genial|excelente|estupendo|algo más|alguna otra|tiene sentido|entendido|eso es todo",
    announcements: "vamos a hablar de|hablemos de|pasemos a|pasamos a|quiero hablar de|quería \
        hablar de|háblanos de|cuéntanos de|una pregunta sobre|pregunta sobre|pregunta es \
        sobre|empecemos con|empecemos por|volviendo a|hoy hablamos de|voy a hablar de|hablar un \
        poco de|hablar un poco sobre|hablaremos de|lo que quiero hablar|me gustaría hablar \
        de|podemos hablar de|voy a hablar sobre|vamos a hablar sobre|vamos a ver|el siguiente \
        tema|la siguiente pregunta|el tema de hoy|preguntar sobre|preguntarte sobre|preguntarle \
        sobre",
    steps: "siguiente próximo próxima otro otra último última primer primera primero segundo \
        segunda tercer tercera tercero cuarto cuarta quinto quinta anterior nuevo nueva \
        finalmente",
    parts: "pregunta preguntas tema temas punto puntos sección parte partes asunto noticia \
        noticias capítulo diapositiva diapositivas cosa cosas charla propuesta idea \
        presentación agenda paso actualización",
    conclusions: "la regla|lo importante|por eso|la clave|al final|la lección|resulta que|en \
        resumen|nunca|siempre",
    housekeeping: "bienvenidos|gracias|muchas gracias|hola|buenos días|buenas tardes|hasta \
        luego|suscríbete|adiós|vamos a",
};
