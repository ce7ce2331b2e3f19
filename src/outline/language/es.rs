//! Spanish.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "es",
    stemmer: Some(rust_stemmers::Algorithm::Spanish),
    stops: "a al algo alguien algún alguna algunas alguno algunos allí allá ante antes aquel \
        aquella aquellas aquello aquellos aquí así aún aunque bajo bien cada casi como \
        cómo con contra cual cuál cuales cualquier cualquiera cuando cuándo cuanto cuánto \
        cuánta cuántos de del demás desde donde dónde durante e el él ella ellas ellos en \
        encima entonces entre era éramos eran eras eres es esa esas ese eso esos esta está \
        estaba estábamos estaban estado estamos están estando estar estará estarán estas \
        este estén esté esto estos estoy estuvo excepto fue fuera fueron fui fuimos ha \
        había habíamos habían habrá haber habría hace hacen hacer hacia hago haya han has \
        hasta hay he hemos hubo incluso jamás junto la las le les lo los luego más me \
        menos mi mí mientras mío mis mismo misma mismos mismas mucho mucha muchos muchas \
        muy nada nadie ni ningún ninguna ninguno no nos nosotros nuestra nuestro nuestras \
        nuestros o os otra otras otro otros para pero poco poca pocos pocas podemos podía \
        podría podrían por porque pues puede pueden puedes puedo que qué quien quién \
        quienes se sea sean según ser será serán sería si sí sido siendo siempre sin sino \
        sobre solo sólo solamente somos son soy su sus suyo tal también tampoco tan tanta \
        tanto tantos te tendrá tendría tenemos tener tenga tengo tenía tenían ti tiene \
        tienen tienes toda todas todavía todo todos tras tu tú tus un una unas uno unos \
        usted ustedes va vamos van vas voy vez y ya yo",
    weak: "ahora años año bueno buena claro cosa cosas creo cree decir días día digamos dice \
        dicen digo dos ejemplo empezar gente gracias gran grande hablar hablamos haciendo \
        hecho hola hoy idea importante ir mejor momento nuevo nueva nunca parece parte \
        pasa pensar pequeño persona personas poder pregunta primero primera primer punto \
        quiere quiero realmente saber sabe sé segundo siguiente tema tiempo tipo tres ver \
        verdad vemos veces vale forma absolutamente además acaba acabar acuerdo adelante \
        alto ayer ayuda bastante básicamente buen buenas buenos cambio caso casos cierto \
        cinco clase cerca correcto creemos creer cuatro cuenta cuestión da dan dar debe \
        deben debería decía decimos demasiado deja dejar dicho diez diferente diferentes \
        difícil dije dijo empezamos empieza encanta encontrar entender entiendo episodio \
        entero escuchar espero estupendo exactamente exacto explicar fácil falta fin final \
        finalmente fuerte general grandes gusta gustaría hablado hablando hacemos hice \
        hizo historia hombre hora horas igual importa interesa interesante lado largo \
        lejos lista llama llamado llamar llega llegar llevar lugar lunes mal mañana manera \
        mayor mayoría mejores menor mes meses mil mejoras minuto minutos mira mirar mujer \
        mundo necesario necesita necesitamos noche nuevas nuevos número obviamente ocho \
        partes pasado pasar pedir pensé peor pequeña perfecto perdón pienso podcast pone \
        poner poquito posible posiblemente preguntar preguntas probablemente problema \
        pronto puntos quería queremos querer quieren quizá quizás rápido razón real \
        realidad resto sabemos saben salir segunda seguir seguro seis semana semanas \
        sencillo sentido señor señora siete siguientes simple simplemente suerte supongo \
        suena suele tarde temas tercera tercero tipos total totalmente trabajo trata \
        tratar través último última único única usa usar utilizar valor vea veinte veo \
        viene vista visto vida vuelve",
    joints: &[
        "de", "del", "la", "el", "los", "las", "en", "y", "para", "con", "por", "a", "sin", "al",
    ],
    verbal: &[
        "ando", "endo", "aron", "eron", "aran", "eran", "ado", "ido", "mente", "aban", "ían",
        "aría", "arían",
    ],
    and: "y",
    firsts: "así pero y bueno entonces pues luego ahora sí no vale claro también además gracias \
        hola mira después",
    starters: "yo creo hay si cuando como qué cómo por eso esto esa ese este esta el la los las en \
        un una nosotros ellos él ella quiero tenemos estoy estamos es son he hemos me nos no \
        se lo hoy todavía aunque mientras porque básicamente quizá cada puedes podemos",
    dangling: "a al ante bajo con contra de del desde durante e el en entre hacia hasta la las los \
        le les lo me mi mis nos o para pero por porque que se sin sobre su sus te tu tus u \
        un una unos unas y muy es son era eran está están ha han he hay ser estar si cuando \
        como cada cuya cuyo según aunque mientras cualquier este esta ese esa nuestro \
        nuestra tan más",
    fillers: &[
        "pues",
        "bueno",
        "entonces",
        "y",
        "pero",
        "eh",
        "em",
        "ehm",
        "este",
        "o",
        "sea",
        "claro",
        "vale",
        "sí",
        "no",
        "ahora",
        "así",
        "mira",
        "oye",
        "vamos",
        "hombre",
        "digamos",
        "nada",
        "bien",
        "ok",
        "okay",
        "ah",
        "oh",
        "aha",
        "ajá",
        "exacto",
        "además",
        "básicamente",
        "obviamente",
        "realmente",
    ],
    hesitations: &["eh", "em", "ehm", "mmm", "mm", "hmm", "uhm", "ejem"],
    asides: "o sea|digamos|sabes|ya sabes|verdad|es decir|quiero decir|la verdad|bueno|pues|\
        vamos|mira|no sé|por así decirlo|claro|básicamente|digo",
    leaning: &[
        "eso", "esto", "esa", "ese", "esos", "esas", "estos", "estas", "él", "ella", "ellos",
        "ellas", "ello", "lo", "la", "le", "les", "se", "este", "esta", "porque", "o", "cual",
        "cuales", "aquello", "aquel", "allí", "ahí", "así", "además", "también", "tampoco",
        "entonces", "tal", "dicho", "ambos", "ambas", "suyo", "exacto", "cuyo",
    ],
    pronouns: &[
        "él", "ella", "ellos", "ellas", "ello", "le", "les", "lo", "los", "suyo", "suya", "sus",
    ],
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
    links: "es son era fue será titulado titulada llamado llamada sobre",
    conclusions: "la regla|la norma es|lo importante|lo más importante|lo principal|por eso|\
        por lo tanto|por tanto|la clave|el truco|el secreto|al final|en definitiva|\
        en conclusión|para concluir|la conclusión|la lección|aprendimos|lo que aprendí|\
        resulta que|resultó que|en resumen|en pocas palabras|decidimos|hemos decidido|\
        se decidió|acordamos|hemos acordado|el resultado|los resultados|la razón|\
        el motivo|el error|el problema es|la solución|la respuesta es|lo que significa|\
        eso significa|significa que|la idea es|el punto es|nunca|siempre|en vez de|\
        en lugar de|en realidad|a partir de ahora",
    housekeeping: "bienvenidos|bienvenidas|bienvenido|bienvenida|gracias|muchas gracias|mil gracias|\
        hola|buenos días|buenas tardes|buenas noches|buenas|qué tal|cómo estás|cómo están|\
        hasta luego|hasta pronto|hasta la próxima|nos vemos|suscríbete|suscribíos|\
        suscríbanse|adiós|chao|vamos a|me llamo|mi nombre es|soy vuestro|un placer|\
        encantado|encantada|es un placer|un abrazo|un saludo|deja un comentario|dejad|\
        síguenos|patrocinador|patrocina|este episodio|en las notas|la próxima semana|\
        cuéntanos|háblanos|dinos|dime|cuéntame|adelante|tengo una pregunta|\
        tenemos una pregunta|siguiente pregunta|otra pregunta|antes de empezar|\
        antes de terminar|si te ha gustado|hoy vamos a|hoy tenemos|pasamos a|pasemos a|\
        hablemos de|empecemos|empezamos|seguimos|alguna pregunta|tiene sentido",
};
