//! German.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "de",
    stemmer: Some(rust_stemmers::Algorithm::German),
    stops: "aber alle allem allen aller alles als also am an andere anderen anderer anderes \
        auch auf aus bei beim bin bis bist da dabei dadurch dafür dagegen daher damit dann \
        daran darauf daraus darin darüber darum das dass davon dazu dein deine dem den \
        denn der deren des deshalb dessen dich die dies diese diesem diesen dieser dieses \
        dir doch dort du durch ein eine einem einen einer eines einfach er es etwas euch \
        euer für gegen gewesen hab habe haben hat hatte hatten hier hin hinter ich ihm ihn \
        ihnen ihr ihre ihrem ihren ihrer im immer in ins ist ja jede jedem jeden jeder \
        jedes jemand jetzt kann kannst kein keine keinen können könnte man manche mehr \
        mein meine meinem meinen meiner mich mir mit mal muss müssen nach neben nicht \
        nichts noch nun nur ob oder ohne schon sehr sein seine seinem seinen seiner seit \
        selbst sich sie sind so sogar solche soll sollte sondern sonst über um und uns \
        unser unsere unter viel viele vom von vor wann war waren warum was weil welche \
        welcher wenn wer werde werden wie wieder will wir wird wirst wo wohl wollen worden \
        wurde wurden würde zu zum zur zwar zwischen ab allein allerdings anders außer \
        außerdem außen ach bald bereits besonders bevor bitte bloß ca daneben danach davor \
        dazwischen deinem deinen deiner derselbe derselben dieselbe dieselben diesseits \
        dran drauf draußen drin drüben ebenfalls ebenso ehe eigene eigenen eigener \
        einander einige einigem einigen einiger einiges einst entweder etwa eure eurem \
        euren falls fast ferner gar genug gegenüber genommen habt hast hattest hätte \
        hätten her herum hinein hinaus hoch ihres indem infolge innen innerhalb inzwischen \
        irgend irgendein irgendwann irgendwas irgendwo je jedoch jener jene jenem jenen \
        jenes kaum keinem keiner keines konnte konnten könnten könntest lassen lässt \
        längst lieber manch manchem manchen mancher manches manchmal meines meins mehrere \
        mindestens möchte möchten mochte muß musst musste mussten müsste müssten nachdem \
        nachher nämlich neulich niemand nie niemals nirgends obwohl oben oft ohnehin pro \
        rund sämtliche schließlich seid seien seines seither sei sobald sofort solange \
        solchem solchen solcher solches sollen sollten somit soviel sowie sowohl statt \
        stets trotz trotzdem überhaupt überall übrigens umso ungefähr unserem unseren \
        unserer unseres unten unterhalb vielem vielen vieler vielleicht voll vorbei vorher \
        wäre wären während warst wart wegen weder weg weiter weitere weiteren weiterhin \
        welchem welchen welches wem wen wenig wenige weniger wenigstens wessen weshalb \
        wieso wieviel wirklich wofür wogegen woher wohin womit wodurch woran worauf woraus \
        worin worüber wovon wozu wurdest würdest würden ziemlich zuerst zuletzt zudem \
        zusammen zuvor",
    weak: "bisschen beispiel danke denke eben eigentlich einmal erst erste ersten fall finde \
        frage fragen ganz ganze geht gemacht genau gerade gern gesagt gibt ging gut gute \
        guten halt hallo heißt heute irgendwie jahr jahre jahren kommen kommt kurz lange \
        leute letzte machen macht mensch menschen minuten natürlich neu neue nächste okay \
        paar punkt quasi richtig sache sachen sage sagen sagt schön sehen sieht sozusagen \
        stunden tag tage teil thema tun weiß wichtig wissen zeit zwei drei vier fünf zehn \
        groß große klein kleine beste besten abend ähnlich aktuell allgemein alt alte \
        alten anfang anfangen arbeit art aufgabe auge augenblick bedeutet beginnt bekommen \
        bekommt bereich beide beiden besser bestimmt bestimmte bild bleiben bleibt \
        brauchen braucht bringen bringt dankeschön darf denken deutlich dinge ding dreißig \
        dritte dritten dürfen echt egal einfacher einzige ende endlich entschuldigung \
        erklären erklärt erster erstens erzählen erzählt fällt falsch fand fang fange \
        fangen fertig fest finden findet folge form freut froh früher führt fünfzig \
        funktioniert ganzen gab geben gehen gehört gekommen genannt gerne gesehen \
        gesprochen gestern gewisse glaub glaube glauben gleich glück grad großen großer \
        größer grund guter hälfte hand herr frau hilft hoffe hoffentlich hören hört \
        hundert idee interessant interessante jung junge kennen kennt klar kleinen komme \
        komplett kurze lang länger läuft leicht leider lernen letzten liegt linie mache \
        machst mann meint meiste meisten minute mittag möglich möglichkeit moment monat \
        monate monaten morgen nachmittag nacht nah name namen nehmen nenne nennen neuen \
        neuer nett neun nimmt normal normalerweise notwendig nummer nächsten nutzen \
        offensichtlich ordnung ort passiert perfekt person podcast prinzip problem \
        probieren prozent reden redet richtige runde sag sagte schaffen schauen schaut \
        schlecht schlimm schnell schöne schritt schwer schwierig sechs sehe seht seite \
        sicher sicherlich sieben siehst sinn sitzt sogenannte sorge spannend spannende \
        später spielt spreche sprechen spricht stark stehen steht stelle stellen stimmt \
        stück stunde super tagen tatsächlich tausend teile themen tut typ überlegt uhr \
        unbedingt unterschied ursprünglich verschiedene verschiedenen verstanden verstehe \
        verstehen versuchen versucht viertel völlig vorstellen warte wahrscheinlich wahr \
        wichtige wichtiger weise welt wert willkommen woche wochen wollte wollten wort \
        worte wunderbar wünsche zahl zeigen zeigt zeiten ziel zuhause zuhörer zwanzig \
        zweite zweiten",
    joints: &[
        "der", "die", "das", "des", "dem", "den", "und", "für", "von", "mit", "im", "in", "ohne",
        "zum", "zur", "am", "aus",
    ],
    verbal: &[],
    and: "und",
    firsts: "also und aber ja nein gut okay nun naja dann jetzt genau danke hallo doch trotzdem \
        deshalb außerdem übrigens",
    starters: "ich wir es das er sie da dann wenn wie was warum wo wer man die der ein eine heute \
        morgen vielleicht natürlich manchmal zuerst danach später darum dabei dafür so im in \
        am bei mit nach für auch weil obwohl dieser diese dieses mein unser hier dort",
    dangling: "der die das des dem den ein eine einen einem einer eines und oder aber sondern denn \
        weil dass ob wenn als wie zu zum zur von vom im in am an auf aus bei beim mit nach \
        für gegen ohne um über unter vor hinter neben zwischen durch bis seit während wegen \
        ich wir er man mein meine meinen dein sein seine ihre unser unsere kein keine keinen \
        dieser diese dieses diesem jeder jede jedes sehr ganz nur sich so je welche welcher \
        deren dessen",
    fillers: &[
        "also",
        "und",
        "aber",
        "äh",
        "ähm",
        "ja",
        "jawohl",
        "genau",
        "gut",
        "nun",
        "naja",
        "na",
        "okay",
        "ok",
        "so",
        "dann",
        "eben",
        "tja",
        "ach",
        "oh",
        "ah",
        "nein",
        "nee",
        "doch",
        "halt",
        "klar",
        "sozusagen",
        "quasi",
        "übrigens",
        "jedenfalls",
        "natürlich",
        "tatsächlich",
        "schau",
    ],
    hesitations: &["äh", "ähm", "öh", "öhm", "hm", "hmm", "mhm", "ehm"],
    asides: "weißt du|wissen sie|weißte|sag ich mal|sagen wir|sagen wir mal|ich meine|\
        sozusagen|quasi|ja|also|na ja|naja|nicht wahr|oder so|ne|halt|wie gesagt|\
        ehrlich gesagt",
    leaning: &[
        "es",
        "er",
        "sie",
        "das",
        "dies",
        "diese",
        "dieser",
        "dieses",
        "diesem",
        "diesen",
        "die",
        "der",
        "den",
        "dem",
        "denen",
        "deren",
        "dessen",
        "denn",
        "weil",
        "oder",
        "ihm",
        "ihr",
        "ihn",
        "ihnen",
        "dazu",
        "davon",
        "daran",
        "dafür",
        "damit",
        "dagegen",
        "darauf",
        "darüber",
        "darum",
        "daraus",
        "dabei",
        "dort",
        "da",
        "deshalb",
        "deswegen",
        "daher",
        "trotzdem",
        "außerdem",
        "sonst",
        "sondern",
        "solche",
        "jener",
        "jene",
        "ebenso",
        "beide",
        "genau",
        "was",
        "welche",
    ],
    pronouns: &[
        "er", "sie", "ihm", "ihn", "ihnen", "ihr", "ihre", "ihren", "ihrem", "sein", "seine",
        "seinen", "seinem", "deren", "dessen",
    ],
    openers: "als nächstes|kommen wir|jetzt|nun|nächste|das nächste|die nächste|zum \
        schluss|zuletzt|erstens|zweitens|\
        reden wir|sprechen wir|eine andere|ein anderes|willkommen|heute|erzähl|zurück zu|noch \
        eine frage|die letzte|der nächste|der letzte|das letzte|die erste|der erste|das erste|die zweite|der \
        zweite|das zweite|lass uns|lassen sie uns|ich möchte fragen|ich wollte fragen|ich habe \
        eine frage|wir haben eine frage|meine frage|noch etwas|ein weiterer|eine weitere|ein \
        weiteres|schließlich|kannst du|können sie|könnten sie|was ist mit|fangen wir|beginnen \
        wir|gehen wir|machen wir weiter|weiter geht's|sie haben erwähnt|du hast erwähnt",
    closers: "danke|vielen dank|alles klar|sehr gut|in ordnung|okay|genau|perfekt|noch fragen",
    announcements: "sprechen wir über|reden wir über|kommen wir zu|kommen wir zum|kommen wir \
        zur|erzähl uns von|\
        frage zu|frage zum|frage zur|fangen wir an mit|beginnen wir mit|es geht um|geht es \
        um|zurück zu",
    steps: "nächste nächsten nächster nächstes weitere weiteren weiterer weiteres letzte \
        letzten letzter letztes erste ersten erster erstes zweite zweiten zweiter zweites \
        dritte dritten drittes vierte vierten neue neuen schließlich zuletzt andere anderes",
    parts: "frage fragen thema themen punkt punkte abschnitt teil teile sache sachen nachricht \
        nachrichten kapitel folie folien vortrag vorschlag idee schritt meldung tagesordnung",
    links: "ist sind war heißt wäre namens über genannt betrifft",
    conclusions: "die regel|als regel|wichtig ist|das wichtigste|die hauptsache|entscheidend ist|\
        deshalb|deswegen|darum|daher|am ende|letztlich|letzten endes|schließlich|\
        im ergebnis|das ergebnis|unterm strich|kurz gesagt|zusammengefasst|\
        zusammenfassend|das heißt|das bedeutet|heißt das|der trick|der schlüssel|\
        das geheimnis|der grund|der fehler|das problem ist|die lösung|die antwort ist|\
        die antwort lautet|die lehre|gelernt haben wir|was wir gelernt haben|\
        es stellte sich heraus|es hat sich gezeigt|wir haben beschlossen|\
        wir haben entschieden|wir haben uns geeinigt|haben wir beschlossen|die idee ist|\
        der punkt ist|es kommt darauf an|nie|niemals|immer|statt dessen|stattdessen|\
        anstatt",
    housekeeping: "willkommen|herzlich willkommen|danke|vielen dank|dankeschön|herzlichen dank|hallo|\
        hi|moin|servus|grüß gott|guten morgen|guten tag|guten abend|schönen guten|tschüss|\
        auf wiedersehen|auf wiederhören|bis zum nächsten|bis bald|bis dann|\
        bis nächste woche|abonniert|abonnier|folgt uns|lasst uns eine bewertung|\
        schreibt uns|werbung|sponsor|unser partner|in den shownotes|shownotes|diese folge|\
        in dieser folge|mein name ist|ich heiße|ich bin euer|schön dass|freut mich|\
        ich freue mich|wie geht|kommen wir|reden wir|sprechen wir|fangen wir|beginnen wir|\
        machen wir|erzähl|erzählen sie|sag mal|ich habe eine frage|wir haben eine frage|\
        nächste frage|noch eine frage|die nächste frage|bevor wir|noch fragen|das war's|\
        nächste woche|ergibt das sinn|heute reden wir|heute sprechen wir|heute geht es|\
        zu gast",
};
