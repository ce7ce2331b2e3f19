//! French.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "fr",
    stemmer: Some(rust_stemmers::Algorithm::French),
    stops: "a ai ainsi alors après as au aucun aucune aussi autre autres aux avait avec avez \
        avoir avons c'est c ça car ce \
        ceci cela celle celles celui ces cet cette ceux chaque chez comme comment d d'un d'une \
        dans de déjà des donc dont du \
        elle elles en encore entre es est et étaient était été être eu eux fait faire faut ici il \
        ils j j'ai je jusque l la \
        le les leur leurs lors lui m ma mais me même mêmes mes moi moins mon n ne ni nos notre \
        nous on ont ou où par parce \
        pas peu peut peuvent plus plusieurs pour pourquoi pouvez puis qu qu'il qu'on quand que \
        quel quelle quelles quels \
        quelque quelques qui quoi s sa sans se sera ses si sien soi soit son sont sous suis sur t \
        ta te tes toi ton tous \
        tout toute toutes très trop tu un une va vers voilà voir vos votre vous y",
    weak: "accord an ans année années aller beaucoup bien besoin bon bonne bonjour chose choses \
        coup deux dire dit effet \
        enfin exemple façon fois genre gens grand grande idée important jamais jour jours juste \
        là maintenant merci mettre \
        moment monde nouveau nouvelle parle parler part partie pense penser petit petite \
        peut-être point premier première \
        prendre question questions rien savoir sais sait simplement sujet temps toujours trois \
        trouver truc vais vient vrai \
        vraiment aujourd'hui exactement",
    joints: &[
        "de", "du", "des", "la", "le", "les", "en", "et", "pour", "avec", "à", "au", "aux", "sans",
        "sur",
    ],
    and: "et",
    fillers: &[
        "alors", "donc", "et", "mais", "euh", "bon", "ben", "bah", "oui", "voilà", "enfin", "en",
        "fait", "ok",
    ],
    hesitations: &["euh", "hum", "heu"],
    leaning: &[
        "il", "elle", "ils", "elles", "ça", "cela", "ce", "c'est", "ceci", "celui", "lui", "leur",
        "parce", "ou",
    ],
    pronouns: &["il", "elle", "ils", "elles", "leur", "lui"],
    openers: "ensuite|passons à|passons au|parlons de|parlons du|le suivant|la suivante|pour \
        finir|enfin|d'abord|\
        premièrement|deuxièmement|autre|une autre|bienvenue|aujourd'hui|maintenant|revenons à|la \
        dernière|dernière question",
    closers: "merci|très bien|d'accord|parfait|super|ok|des questions|exactement",
    announcements: "parlons de|parlons du|parlons des|passons à|passons au|passons aux|question \
        sur|parle-nous de|\
        parlez-nous de|commençons par|revenons à|on va parler de|on parle de|parler de",
    ordinals: "suivant suivante prochain prochaine dernier dernière premier première deuxième second seconde troisième enfin",
    links: "est sont était c'est serait intitulé intitulée appelé appelée concerne sur",
    conclusions: "la règle|l'important|c'est pourquoi|la clé|au final|en résumé|il \
        s'avère|jamais|toujours|la leçon",
    housekeeping: "bienvenue|merci|bonjour|bonsoir|au revoir|abonnez-vous|à bientôt|passons",
};
