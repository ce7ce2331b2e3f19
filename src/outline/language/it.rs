//! Italian.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "it",
    stemmer: Some(rust_stemmers::Algorithm::Italian),
    stops: "a abbiamo ad agli ai al alla alle allo altra altre altri altro anche ancora avere \
        aveva c c'è che chi ci ciò come con contro cosa così cui d da dagli dai dal dalla \
        dalle dallo degli dei del della delle dello di dopo dove e è ed era erano essere \
        fa fare fatto fino fra già gli ha hai hanno ho i il in io l la le lei li lo loro \
        lui ma me mentre mi mia mie miei mio molta molte molti molto ne negli nei nel \
        nella nelle nello niente no noi non nostra nostro o ogni oppure per perché però \
        più po poi prima proprio può possono qua qual qualche quale quali qualcosa quando \
        quanto quel quella quelle quelli quello questa queste questi questo qui quindi se \
        sei senza si sia siamo sono sopra sta stata stato stesso su sua sue sugli sui sul \
        sulla suo suoi tra tu tua tuo tutta tutte tutti tutto un un' una uno va vi voi \
        abbia abbiano abbastanza accanto adesso affatto alcun alcuna alcune alcuni all' \
        allora almeno anzi appena appunto attorno attraverso avanti avevamo avevano avevo \
        avete avrà avrebbe avuto ben bensì c'era chiunque ciascuna ciascuno cioè circa \
        comunque dall' davanti davvero dell' dentro deve devi devo devono dietro dire \
        dovere doveva dovrebbe due dunque durante ebbe ecco egli ella eppure eravamo eri \
        ero essa esse essendo essi esso facciamo facendo fai fanno far faceva fin finché \
        fosse fossero fu fuori furono grazie infatti infine insieme intanto intorno invece \
        l' là lì mai meglio meno neanche nell' nemmeno neppure nessun nessuna nessuno \
        nostre nostri nulla od ognuno oltre ora ormai ovvero ovunque parecchio perciò \
        perfino pertanto piuttosto po' poca poche pochi poco poiché possa possiamo posso \
        poteva potrebbe puoi pur pure qualcuno qualora qualsiasi qualunque quanta quante \
        quanti quasi quegli quei sarà saranno sarebbe sé sebbene sembra sempre sì siano \
        siate siccome siete soprattutto sotto stai stanno state stati stava stavano stesse \
        stessi stessa sto sull' sulle sullo tale tali tanta tante tanti tanto te ti tranne \
        tue tuttavia vado vai vanno verso via vicino volta vostra vostro vuole",
    weak: "anni anno bel bella bene bisogno bravo buon buona caso certo ciao cose credo dare \
        detto dice dico domanda domande esempio forse gente giorni giorno grande idea \
        importante modo momento nuova nuovo oggi parlare parte penso persona persone \
        piccolo prego primo punto sa sai senso sicuramente solo tempo tipo tre tema vedere \
        vero volte vuol abitudine accordo aiuta aiutare alta alto argomento arriva \
        arrivare ascoltare assolutamente attenzione basta belle bello bisogna breve brutto \
        buone buoni buono casi cerca cercare certa certamente chiama chiamare chiaro \
        chiede chiedere cinque cominciare comincia completamente conosco crede corretto \
        dato dicevo diciamo dicono dieci differente difficile diverse diversi diverso dà \
        domani effetti episodio esattamente esatto esiste facile faccia faccio fase felice \
        fila fine finire forma forte frase fondo generale genere giusto grandi gruppo ieri \
        immagino importanti incredibile inizia iniziare inizio insomma interessante intero \
        lascia lasciare lato lavoro lista lontano luogo lunga lungo maggior maggiore \
        maniera massimo mattina mese mesi metà mette mettere migliore migliori mille \
        minuti minuto mondo naturalmente necessario nome normale notte nove numero nuove \
        nuovi ok ore otto ottimo ovviamente parla parlato parliamo parti particolare passa \
        passare passato peggio pensa pensare perfetto piace piacere piccola piccoli \
        podcast porta portare posto possibile praticamente prende prendere presto prime \
        primi principale probabilmente problema prossima prossimo proviamo prova provare \
        punti qualità quattro questione ragione raccontare rapido realtà reale realmente \
        resto ricordo riesce rimane risposta sanno sapere sappiamo scorso scusa scusate \
        seconda secondo semplice semplicemente sentire sera serve sette settimana \
        settimane sicuro signor signora simile so solito spero spesso spiegare stasera \
        storia strana strano subito succede successo super tardi temi tenere terza terzo \
        tipi tira totale totalmente tratta trova trovare ultima ultimo unica unico usa \
        usare utile uso vale valore vecchio vede vediamo vedo veloce venire vent venti \
        vera veramente verità viene vista visto vita voglio vogliamo volere volevo vorrei",
    joints: &[
        "di", "del", "della", "dei", "delle", "il", "la", "i", "le", "in", "e", "per", "con", "a",
        "al", "senza",
    ],
    verbal: &[
        "ando", "endo", "arono", "irono", "erono", "ato", "uto", "mente", "avano", "evano", "ebbe",
        "ebbero",
    ],
    and: "e",
    firsts: "allora quindi ma e sì no beh bene dunque poi ora adesso però insomma comunque ecco \
        certo grazie ciao dopo inoltre",
    starters: "io noi è c'è ci lui lei loro quando come perché se il la i le lo gli un una in \
        questo questa quello quella oggi credo penso forse prima anche ancora abbiamo ho \
        siamo sono non si per ogni mi nel così mentre anzi invece",
    dangling: "a ad al allo alla ai agli alle con da dal dalla dai dalle di del dello della dei \
        degli delle e ed in nel nello nella nei negli nelle su sul sulla sui sulle per tra \
        fra il lo la i gli le l' un uno una che chi cui se perché quando come o oppure ma \
        mio mia suo sua nostro nostra mi ti si ci vi ne non molto più così è sono era erano \
        ho ha hanno abbiamo essere stato avere ogni qualche quale mentre senza verso questo \
        questa quel quella un' c'è dell' all' nell' dall' sull'",
    fillers: &[
        "allora",
        "quindi",
        "e",
        "ma",
        "beh",
        "eh",
        "ehm",
        "sì",
        "no",
        "ok",
        "okay",
        "bene",
        "dunque",
        "ecco",
        "cioè",
        "insomma",
        "diciamo",
        "guarda",
        "senti",
        "ah",
        "oh",
        "certo",
        "esatto",
        "appunto",
        "comunque",
        "ovviamente",
        "praticamente",
        "mah",
        "già",
    ],
    hesitations: &["eh", "ehm", "uhm", "mmm", "mm", "hmm", "ahm"],
    asides: "sai|sapete|cioè|diciamo|voglio dire|insomma|ecco|no|beh|allora|guarda|come dire|\
        per così dire|diciamo così|praticamente|capito",
    leaning: &[
        "lui", "lei", "loro", "esso", "essa", "essi", "ciò", "questo", "questa", "questi",
        "queste", "quello", "quella", "quelli", "quelle", "perché", "o", "oppure", "che", "cui",
        "il", "quale", "la", "quali", "lo", "gli", "ne", "ci", "lì", "là", "così", "anche",
        "neanche", "invece", "infatti", "poi", "tale", "tali", "suo", "entrambi",
    ],
    pronouns: &["lui", "lei", "loro", "gli", "essa", "esso", "essi", "suo", "sua", "suoi", "sue"],
    openers: "passiamo a|passiamo al|parliamo di|il prossimo|la prossima|infine|per \
        finire|prima|un'altra|un altro|benvenuti|\
        oggi|adesso|ora|torniamo a|l'ultima|ultima domanda|raccontaci|passiamo alla|passiamo allo|passiamo ai|passiamo alle|parliamo del|parliamo \
        della|parliamo dei|la prima|il primo|la seconda|il secondo|l'ultimo|vorrei \
        chiedere|volevo chiedere|ho una domanda|abbiamo una domanda|una domanda|la mia \
        domanda|cominciamo|iniziamo|continuiamo|possiamo parlare|puoi parlare|può parlare|hai \
        detto|lei ha detto|per cominciare|per quanto riguarda|quanto a|in primo luogo|in \
        secondo luogo|che ne dici",
    closers: "grazie|molto bene|d'accordo|perfetto|ok|altre domande|certo|esatto",
    announcements: "parliamo di|parliamo del|parliamo della|passiamo a|passiamo al|passiamo \
        alla|domanda su|\
        cominciamo con|iniziamo con|torniamo a|oggi parliamo di|raccontaci di",
    steps: "prossimo prossima successivo successiva altro altra ultimo ultima primo prima \
        secondo seconda terzo terza quarto quarta nuovo nuova infine finalmente",
    parts: "domanda domande tema temi argomento argomenti punto punti parte parti sezione cosa \
        cose notizia notizie capitolo diapositiva discorso proposta idea passo",
    links: "è sono era fu sarà intitolato intitolata chiamato chiamata riguarda",
    conclusions: "la regola|di regola|l'importante|la cosa importante|la cosa più importante|\
        il punto è|ciò che conta|per questo|perciò|pertanto|ecco perché|la chiave|\
        il segreto|il trucco|alla fine|in fin dei conti|in definitiva|in sintesi|in breve|\
        riassumendo|per riassumere|in conclusione|per concludere|la conclusione|\
        la lezione|abbiamo imparato|quello che ho imparato|si è scoperto|è venuto fuori|\
        risulta che|il che significa|significa che|vuol dire che|questo significa|\
        la ragione|il motivo|l'errore|il problema è|la soluzione|la risposta è|\
        il risultato|abbiamo deciso|si è deciso|siamo d'accordo|ci siamo accordati|\
        l'idea è|mai|sempre|invece di|al posto di",
    housekeeping: "benvenuti|benvenute|benvenuto|benvenuta|grazie|molte grazie|grazie mille|ciao|\
        salve|buongiorno|buonasera|buon pomeriggio|arrivederci|a presto|alla prossima|\
        ci vediamo|ci sentiamo|iscrivetevi|iscriviti|lasciate un commento|lasciateci|\
        seguiteci|condividete|sponsor|questo episodio|in questo episodio|questa puntata|\
        in questa puntata|nelle note|mi chiamo|il mio nome è|sono il vostro|piacere|\
        è un piacere|come stai|come state|come va|parliamo di|passiamo a|cominciamo|\
        iniziamo|andiamo|raccontaci|ci racconti|dicci|dimmi|dica|prego|vai pure|\
        ho una domanda|abbiamo una domanda|prossima domanda|un'altra domanda|\
        prima di cominciare|prima di iniziare|prima di finire|oggi parliamo|oggi abbiamo|\
        la prossima settimana|ha senso|qualche domanda|ci sono domande",
};
