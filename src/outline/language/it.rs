//! Italian.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "it",
    stemmer: Some(rust_stemmers::Algorithm::Italian),
    stops: "a abbiamo ad agli ai al alla alle allo altra altre altri altro anche ancora avere \
        aveva c c'è che chi ci ciò come \
        con contro cosa così cui d da dagli dai dal dalla dalle dallo degli dei del della delle \
        dello di dopo dove e è ed era \
        erano essere fa fare fatto fino fra già gli ha hai hanno ho i il in io l la le lei li lo \
        loro lui ma me mentre mi mia \
        mie miei mio molta molte molti molto ne negli nei nel nella nelle nello niente no noi non \
        nostra nostro o ogni oppure \
        per perché però più po poi prima proprio può possono qua qual qualche quale quali \
        qualcosa quando quanto quel quella \
        quelle quelli quello questa queste questi questo qui quindi se sei senza si sia siamo \
        sono sopra sta stata stato \
        stesso su sua sue sugli sui sul sulla suo suoi tra tu tua tuo tutta tutte tutti tutto un \
        un' una uno va vi voi",
    weak: "adesso allora anni anno bel bella bene bisogno bravo buon buona caso certo ciao \
        comunque cose credo dare davvero \
        detto devo dice dico dire domanda domande due esempio fare forse gente giorni giorno \
        grande grazie idea importante \
        mai meglio modo momento nuova nuovo oggi ora parlare parte penso persona persone piccolo \
        posso prego primo punto \
        quasi sa sai sempre senso sicuramente solo tanto tempo tipo tre tema vedere vero volta \
        volte vuol",
    joints: &[
        "di", "del", "della", "dei", "delle", "il", "la", "i", "le", "in", "e", "per", "con", "a",
        "al", "senza",
    ],
    and: "e",
    fillers: &[
        "allora", "quindi", "e", "ma", "ehm", "eh", "beh", "sì", "ecco", "dunque", "cioè", "va",
        "bene", "no",
    ],
    hesitations: &["ehm", "eh", "mmh"],
    leaning: &[
        "questo", "questa", "quello", "quella", "lui", "lei", "loro", "ciò", "perché", "o", "esso",
        "essa",
    ],
    pronouns: &["lui", "lei", "loro"],
    openers: "passiamo a|passiamo al|parliamo di|il prossimo|la prossima|infine|per \
        finire|prima|un'altra|un altro|benvenuti|\
        oggi|adesso|ora|torniamo a|l'ultima|ultima domanda|raccontaci",
    closers: "grazie|molto bene|d'accordo|perfetto|ok|altre domande|certo|esatto",
    announcements: "parliamo di|parliamo del|parliamo della|passiamo a|passiamo al|passiamo \
        alla|domanda su|\
        cominciamo con|iniziamo con|torniamo a|oggi parliamo di|raccontaci di",
    ordinals: "prossimo prossima ultimo ultima primo prima secondo seconda terzo terza seguente infine",
    links: "è sono era fu sarà intitolato intitolata chiamato chiamata riguarda",
    conclusions: "la regola|l'importante|per questo|la chiave|alla fine|insomma|in \
        sintesi|mai|sempre|la lezione",
    housekeeping: "benvenuti|grazie|ciao|buongiorno|buonasera|arrivederci|iscrivetevi|alla \
        prossima",
};
