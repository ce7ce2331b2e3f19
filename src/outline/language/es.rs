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
    openers: "ahora|vamos a|pasemos a|pasamos a|hablemos de|siguiente|el siguiente|la \
        siguiente|lo siguiente|por último|\
        finalmente|primero|segundo|otra cosa|otro tema|otra \
        pregunta|bienvenidos|hoy|cuéntanos|háblanos|volviendo a|la última",
    closers: "gracias|muchas gracias|muy bien|de acuerdo|perfecto|vale|alguna pregunta|claro",
    announcements: "vamos a hablar de|hablemos de|pasemos a|pasamos a|quiero hablar de|quería \
        hablar de|háblanos de|\
        cuéntanos de|una pregunta sobre|pregunta sobre|empecemos con|empecemos por|volviendo \
        a|hoy hablamos de",
    ordinals: "siguiente próximo próxima último última primero primera primer segundo segunda tercero tercera finalmente",
    links: "es son era fue será titulado titulada llamado llamada sobre",
    conclusions: "la regla|lo importante|por eso|la clave|al final|la lección|resulta que|en \
        resumen|nunca|siempre",
    housekeeping: "bienvenidos|gracias|muchas gracias|hola|buenos días|buenas tardes|hasta \
        luego|suscríbete|adiós|vamos a",
};
