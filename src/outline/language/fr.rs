//! French.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "fr",
    stemmer: Some(rust_stemmers::Algorithm::French),
    stops: "a ai ainsi alors après as au aucun aucune aussi autre autres aux avait avec avez \
        avoir avons c'est c ça car ce ceci cela celle celles celui ces cet cette ceux \
        chaque chez comme comment d d'un d'une dans de déjà des donc dont du elle elles en \
        encore entre es est et étaient était été être eu eux fait faire faut ici il ils j \
        j'ai je jusque l la le les leur leurs lors lui m ma mais me même mêmes mes moi \
        moins mon n ne ni nos notre nous on ont ou où par parce pas peu peut peuvent plus \
        plusieurs pour pourquoi pouvez puis qu qu'il qu'on quand que quel quelle quelles \
        quels quelque quelques qui quoi s sa sans se sera ses si sien soi soit son sont \
        sous suis sur t ta te tes toi ton tous tout toute toutes très trop tu un une va \
        vers voilà voir vos votre vous y à afin aie ailleurs assez auquel aussitôt autant \
        autour auxquels avaient avais avant aviez avions ayant beaucoup ben bien bientôt \
        cependant certain certaine certaines certains chacun combien contre d'abord \
        davantage debout dedans dehors depuis derrière dès désormais dessous dessus devant \
        devez devons devrait dois doit doivent durant enfin ensuite envers étais étant \
        êtes fais faisait faites font furent fut hors j'avais j'étais jamais jusqu'à l'on \
        là laquelle lequel lesquelles lesquels loin lorsque maintenant malgré mien mieux \
        n'a n'ai n'est n'était néanmoins non notamment nôtre nulle or ouais oui outre \
        parfois parmi partout pendant peux plupart plutôt pourrait pourtant pouvait \
        pouvoir pouvons près presque puisque qu'à qu'elle qu'elles qu'en qu'est-ce qu'ils \
        qu'un qu'une quant quelqu'un quiconque quoique s'est s'il sauf selon serait seront \
        seulement sinon sommes souvent surtout tandis tant tel telle telles tellement tels \
        toujours toutefois vais vas voici vont vraiment c'était n'y l'un l'une m'a t'a \
        qu'y jusqu'au",
    weak: "accord an ans année années aller besoin bon bonne bonjour chose choses coup deux \
        dire dit effet exemple façon fois genre gens grand grande idée important jour \
        jours juste merci mettre moment monde nouveau nouvelle parle parler part partie \
        pense penser petit petite peut-être point premier première prendre question \
        questions rien savoir sais sait simplement sujet temps trois trouver truc vient \
        vrai aujourd'hui exactement ah ajouter aider aime aimerais allez allons apprendre \
        appelle arrive arriver attendre auditeurs bah beau belle bizarre bonnes bons bref \
        bout cas cause chance cent certainement cinq clair clairement commence commencer \
        complètement complique comprends comprendre connaît connaître côté croire crois \
        croit d'accord demain demande demander dernier dernière derniers deuxième \
        différent différente différents difficile dis disait disent dix donne donner droit \
        effectivement enfant épisode époque espèce essayer évidemment explique expliquer \
        extrêmement facile fin finalement finir fond force forcément forme franchement \
        gars général grandes grands gros grosse heure heures heureux hier histoire homme \
        huit importante imagine impossible intéressant intéressante jeune journée \
        justement laisse laisser lieu ligne long longtemps longue lundi madame mal manière \
        marche matin mauvais meilleur meilleure met mille minute minutes mois moitié \
        monsieur montre montrer mot mots moyen n'importe neuf niveau nom nombre normal \
        normalement notion nouveaux nouvelles ok onze ouvert parlé parties partir passe \
        passer perdu personne personnes petites petits pire place plaisir plein podcast \
        possible pourra pratiquement premiers prend prends prêt principe probablement \
        problème prochain prochaine puissance quatre quinze raconte raison rapide \
        rapidement rapport reste rester retour reprendre savent savez semaine semaines \
        semble sens sept simple six soir sorte sortir soudain super sûr sympa tard tas \
        tête tiens tient toucher tour train travail travaille trente troisième trouve \
        trucs type utile utilise utiliser valeur venir veulent veut veux vie vieux vingt \
        vite vois voit voulait vouloir voudrais vue",
    joints: &[
        "de", "du", "des", "la", "le", "les", "en", "et", "pour", "avec", "à", "au", "aux", "sans",
        "sur",
    ],
    verbal: &["aient", "èrent", "ait", "eront", "erait", "eraient", "ez"],
    and: "et",
    firsts: "alors donc mais et bon oui non ben bah voilà ensuite puis maintenant enfin bref \
        d'accord merci bonjour après",
    starters: "je j'ai j'avais c'est c'était il elle on nous vous ils elles ça ce cette si quand \
        comment pourquoi qu'est-ce est-ce parce aujourd'hui peut-être d'abord là le la les \
        un une dans pour en au chaque aussi celui tu y l'idée même",
    dangling: "à au aux avec chez contre d' dans de des du en entre et je j' la le les leur leurs \
        l' ma mes mon ne n' nos notre ou où par pour qu' que qui quand sa sans sauf se ses \
        si son sous sur ta tes ton très tu un une vers votre vos il elle on nous ils elles \
        ce cet cette ces c'est est sont était étaient a ont avait avoir être été plus trop \
        tout chaque comme dont lorsque puisque parce j'ai n'est qu'il qu'elle qu'on d'un \
        d'une",
    fillers: &[
        "alors",
        "donc",
        "et",
        "mais",
        "ben",
        "bah",
        "euh",
        "bon",
        "oui",
        "non",
        "ouais",
        "voilà",
        "ok",
        "okay",
        "d'accord",
        "enfin",
        "bref",
        "ah",
        "oh",
        "hein",
        "eh",
        "tiens",
        "écoute",
        "écoutez",
        "effectivement",
        "évidemment",
        "justement",
        "après",
        "puis",
    ],
    hesitations: &["euh", "heu", "hum", "hmm", "mm", "mmh", "euhm"],
    asides: "tu sais|vous savez|tu vois|vous voyez|je veux dire|disons|on va dire|\
        comment dire|enfin|bon|ben|bah|voilà|hein|quoi|en fait|pour ainsi dire|genre",
    leaning: &[
        "il",
        "elle",
        "ils",
        "elles",
        "ça",
        "cela",
        "ceci",
        "c'est",
        "c'était",
        "ce",
        "cette",
        "ces",
        "cet",
        "celui",
        "celle",
        "ceux",
        "celles",
        "lui",
        "leur",
        "leurs",
        "y",
        "en",
        "parce",
        "ou",
        "qui",
        "que",
        "dont",
        "lequel",
        "laquelle",
        "là",
        "ainsi",
        "pourtant",
        "sinon",
        "sauf",
        "autant",
        "tel",
        "telle",
        "ensuite",
        "aussi",
        "d'ailleurs",
        "or",
        "donc",
    ],
    pronouns: &[
        "il", "elle", "ils", "elles", "lui", "leur", "leurs", "eux", "celui", "celle", "ceux",
        "celles", "qu'il", "qu'elle", "qu'ils", "qu'elles",
    ],
    openers: "ensuite|passons à|passons au|parlons de|parlons du|le suivant|la suivante|pour \
        finir|enfin|d'abord|\
        premièrement|deuxièmement|autre|une autre|bienvenue|aujourd'hui|maintenant|revenons à|la \
        dernière|dernière question|la prochaine|le prochain|le dernier|la première|le premier|la \
        deuxième|le deuxième|passons aux|parlons des|commençons|continuons|je voudrais \
        demander|je voulais demander|j'ai une question|nous avons une question|ma question|une \
        question|un autre|peux-tu|pouvez-vous|pourriez-vous|qu'en est-il|vous avez \
        mentionné|tu as mentionné|pour commencer|en ce qui concerne|quant à",
    closers: "merci|très bien|d'accord|parfait|super|ok|des questions|exactement",
    announcements: "parlons de|parlons du|parlons des|passons à|passons au|passons aux|question \
        sur|parle-nous de|\
        parlez-nous de|commençons par|revenons à|on va parler de|on parle de|parler de",
    steps: "prochain prochaine suivant suivante autre dernier dernière premier première \
        deuxième second seconde troisième quatrième nouveau nouvelle enfin finalement",
    parts: "question questions sujet sujets point points partie parties section chose choses \
        nouvelle nouvelles chapitre diapositive exposé proposition idée étape thème thèmes \
        ordre",
    links: "est sont était c'est serait intitulé intitulée appelé appelée concerne sur",
    conclusions: "la règle|en règle générale|l'important|ce qui compte|le plus important|\
        l'essentiel|le principal|c'est pourquoi|c'est pour ça|voilà pourquoi|du coup|\
        par conséquent|donc au final|au final|à la fin|finalement|en fin de compte|\
        en résumé|pour résumer|en bref|en un mot|en conclusion|pour conclure|\
        la conclusion|la leçon|ce qu'on a appris|ce que j'ai appris|il s'avère que|\
        il s'est avéré|ça veut dire|cela veut dire|cela signifie|ce qui veut dire|\
        ce qui signifie|la clé|le secret|l'astuce|la raison|l'erreur|le problème c'est|\
        le problème est|la solution|la réponse est|le résultat|on a décidé|\
        nous avons décidé|nous sommes d'accord|on s'est mis d'accord|l'idée c'est|\
        l'idée est|jamais|toujours|au lieu de|plutôt que",
    housekeeping: "bienvenue|merci|merci beaucoup|un grand merci|bonjour|bonsoir|salut|coucou|\
        au revoir|à bientôt|à la prochaine|à la semaine prochaine|à tout de suite|\
        abonnez-vous|abonne-toi|n'hésitez pas|laissez un commentaire|laissez-nous|\
        partagez|likez|sponsor|partenaire|cet épisode|dans cet épisode|ce podcast|\
        dans les notes|je m'appelle|mon nom est|je suis votre|enchanté|ravi|ravie|\
        très heureux|comment ça va|comment vas-tu|comment allez-vous|parlons de|passons à|\
        commençons|on commence|on va commencer|on va parler|on passe à|raconte|racontez|\
        racontez-nous|dis-nous|dites-nous|dis-moi|allez-y|vas-y|j'ai une question|\
        nous avons une question|question suivante|une autre question|prochaine question|\
        avant de commencer|avant de finir|aujourd'hui nous|aujourd'hui on|\
        la semaine prochaine|c'était|est-ce que c'est clair|des questions",
};
