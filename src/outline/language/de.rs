//! German.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "de",
    stemmer: Some(rust_stemmers::Algorithm::German),
    stops: "aber alle allem allen aller alles als also am an andere anderen anderer anderes auch \
        auf aus bei beim bin bis \
        bist da dabei dadurch dafür dagegen daher damit dann daran darauf daraus darin darüber \
        darum das dass davon dazu \
        dein deine dem den denn der deren des deshalb dessen dich die dies diese diesem diesen \
        dieser dieses dir doch dort \
        du durch ein eine einem einen einer eines einfach er es etwas euch euer für gegen gewesen \
        hab habe haben hat hatte \
        hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im immer in ins ist \
        ja jede jedem jeden jeder \
        jedes jemand jetzt kann kannst kein keine keinen können könnte man manche mehr mein meine \
        meinem meinen meiner mich \
        mir mit mal muss müssen nach neben nicht nichts noch nun nur ob oder ohne schon sehr sein \
        seine seinem seinen seiner \
        seit selbst sich sie sind so sogar solche soll sollte sondern sonst über um und uns unser \
        unsere unter viel viele vom \
        von vor wann war waren warum was weil welche welcher wenn wer werde werden wie wieder \
        will wir wird wirst wo wohl \
        wollen worden wurde wurden würde zu zum zur zwar zwischen",
    weak: "bisschen beispiel danke denke eben eigentlich einmal erst erste ersten fall finde \
        frage fragen ganz ganze geht \
        gemacht genau gerade gern gesagt gibt ging gut gute guten halt hallo heißt heute \
        irgendwie jahr jahre jahren kommen \
        kommt kurz lange leute letzte machen macht mensch menschen minuten natürlich neu neue \
        nächste oft okay paar punkt \
        quasi richtig sache sachen sage sagen sagt schön sehen sieht sozusagen stunden tag tage \
        teil thema tun weiß wichtig \
        wirklich wissen zeit zwei drei vier fünf zehn groß große klein kleine beste besten",
    joints: &[
        "der", "die", "das", "des", "dem", "den", "und", "für", "von", "mit", "im", "in", "ohne",
        "zum", "zur", "am", "aus",
    ],
    and: "und",
    fillers: &[
        "also", "und", "aber", "äh", "ähm", "ja", "genau", "gut", "nun", "naja", "okay", "na",
        "so", "dann", "eben",
    ],
    hesitations: &["äh", "ähm", "öh", "hm", "mhm"],
    leaning: &[
        "es", "er", "sie", "das", "dies", "diese", "dieser", "dieses", "die", "der", "denn",
        "weil", "oder", "ihm", "ihr", "dazu", "davon", "daran",
    ],
    pronouns: &["er", "ihm", "ihn", "ihnen", "ihr", "ihre"],
    openers: "als nächstes|kommen wir|jetzt|nun|nächste|das nächste|die nächste|zum \
        schluss|zuletzt|erstens|zweitens|\
        reden wir|sprechen wir|eine andere|ein anderes|willkommen|heute|erzähl|zurück zu|noch \
        eine frage|die letzte",
    closers: "danke|vielen dank|alles klar|sehr gut|in ordnung|okay|genau|perfekt|noch fragen",
    announcements: "sprechen wir über|reden wir über|kommen wir zu|kommen wir zum|kommen wir \
        zur|erzähl uns von|\
        frage zu|frage zum|frage zur|fangen wir an mit|beginnen wir mit|es geht um|geht es \
        um|zurück zu",
    ordinals: "nächste nächster nächstes nächsten letzte letzter letztes letzten erste erster erstes zweite zweiter zweites dritte drittes schließlich",
    links: "ist sind war heißt wäre namens über genannt betrifft",
    conclusions: "die regel|wichtig ist|deshalb|darum|am ende|das heißt|der trick|der grund|es \
        stellte sich heraus|nie|immer",
    housekeeping: "willkommen|danke|vielen dank|hallo|guten morgen|guten tag|tschüss|bis zum \
        nächsten|abonniert|kommen wir",
};
