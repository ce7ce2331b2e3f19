//! Talk with its full stops, for the claims about talk without them. All of it is made up.

/// A language and some talk in it.
pub(super) const PASSAGES: [(&str, &str); 13] = [
    (
        "en",
        "So we built the oven in the spring of last year. It took us about three weeks. The base is \
         plain brick, and the dome is clay with a lot of straw in it. I had never done anything like \
         that before. My neighbour came over and told me the walls were too thin. He was right. We \
         took half of it down again and started with a wider ring. That cost us a week, but now it \
         holds the heat until the next morning. What would I do differently? I'd dry the clay for \
         longer before the first fire. And I would put a proper door on it from the start. Thanks \
         for asking about that.",
    ),
    (
        "en",
        "Well, the first thing you notice is the sound. A healthy hive hums very evenly. When the \
         queen is gone, they get loud and restless. I open the box on a warm day and look for eggs. \
         If there are none, I wait another week. Most people panic too early and buy a new queen. \
         You don't need to do that. The bees can raise one on their own from a young larva. It takes \
         them about sixteen days. After that she has to fly out and mate, which depends on the \
         weather. So in a cold spring I help them with a frame from another hive.",
    ),
    (
        "en",
        "The council met on Tuesday evening. They talked about the bridge for nearly two hours. \
         Nobody wants to pay for it, that's the problem. The engineer said it can carry cars for \
         five more years. But the bus company will not drive over it any longer. Why did we not hear \
         about this earlier? The report has been on the table since March. I think we should close \
         one lane and collect offers before the winter. There is a fund for small towns that covers \
         half of the cost. We need to apply by the end of the month. Okay, let's put that to the \
         vote.",
    ),
    (
        "en",
        "I get this question a lot from people who want to start running. They go out on the first \
         day and run as fast as they can. Then they hurt for a week and never come back. My advice is \
         boring. Walk for four minutes and run for one. Do that three times a week for a month. You \
         will feel that it is too easy, and it should be. The lungs get better quickly, but the \
         tendons need much more time. We had a man of seventy in the group last year. He finished \
         ten kilometres in September. It's really about patience.",
    ),
    (
        "de",
        "Also, wir haben den Garten vor sechs Jahren übernommen. Damals war hier nur Rasen und eine \
         alte Hecke. Ich wollte unbedingt einen Teich haben. Meine Frau war dagegen, weil die Kinder \
         noch klein waren. Dann haben wir erst einmal mit Hochbeeten angefangen. Das war eine gute \
         Entscheidung. Im ersten Sommer hatten wir mehr Zucchini, als wir essen konnten. Aber die \
         Schnecken haben fast den ganzen Salat gefressen. Wie wird man die los? Wir sammeln sie am \
         Abend ab und streuen nichts. Den Teich gibt es jetzt übrigens auch.",
    ),
    (
        "de",
        "Die Brücke wurde im Jahr 1962 gebaut. Sie war für viel weniger Verkehr gedacht. Heute fahren \
         dort jeden Tag zwanzigtausend Autos. Der Beton hat Risse bekommen, und das Salz frisst am \
         Stahl. Wir messen das seit drei Jahren mit kleinen Sensoren. Wenn sich etwas bewegt, bekomme \
         ich sofort eine Nachricht. Bisher war das nur zweimal der Fall. Man könnte sie noch einmal \
         verstärken. Das würde aber fast so viel kosten wie ein Neubau. Deshalb hat die Stadt sich \
         für eine neue Brücke entschieden. Ich finde das richtig.",
    ),
    (
        "es",
        "Bueno, yo empecé a tocar la guitarra con diez años. Mi abuelo tenía una muy vieja en casa. \
         Le faltaban dos cuerdas y nadie la quería arreglar. Entonces la llevé a un taller del \
         barrio. El señor me enseñó a cambiar las cuerdas y a afinarla. Así pasé todo aquel verano. \
         Después entré en una escuela de música. Allí no me gustó nada, porque solo tocábamos \
         escalas. ¿Qué hice? Me fui a tocar a la calle con unos amigos. No ganábamos casi dinero, \
         pero aprendimos muchísimo. Hoy sigo usando aquella guitarra en los discos.",
    ),
    (
        "es",
        "El pueblo tiene ahora unos doscientos habitantes. Hace treinta años éramos más de mil. La \
         escuela cerró porque quedaban cuatro niños. Pero desde la pandemia ha llegado gente nueva. \
         Trabajan con el ordenador y quieren una casa con huerto. El problema es que casi no hay \
         casas en alquiler. Muchas están vacías y los dueños viven lejos. Nosotros hemos hecho una \
         lista con todas ellas. También ayudamos a los dueños con los papeles y las obras. Este año \
         ya hemos alquilado nueve. Creo que la escuela puede volver a abrir.",
    ),
    (
        "fr",
        "Alors, le pain au levain demande surtout du temps. On mélange la farine et l'eau le soir. Le \
         matin, la pâte a presque doublé. Il faut la plier doucement pour ne pas casser les bulles. \
         Ensuite je la laisse reposer encore deux heures. Beaucoup de gens mettent trop de levure. \
         C'est une erreur, parce que le goût n'a pas le temps de venir. Mon four monte à deux cent \
         cinquante degrés. Je mets un peu d'eau dans un plat pour faire de la vapeur. La croûte \
         devient brillante et très fine. Et voilà, il ne reste plus qu'à attendre.",
    ),
    (
        "fr",
        "Nous avons ouvert la librairie il y a douze ans. Le quartier était très différent à cette \
         époque. Il n'y avait pas de café ni de cinéma. Les premiers mois, nous vendions surtout des \
         livres pour enfants. Puis une école est venue nous voir. Elle voulait une lecture chaque \
         mercredi. C'est comme ça que tout a commencé. Aujourd'hui nous recevons des auteurs deux \
         fois par mois. Est-ce que c'est rentable? Pas vraiment, mais les gens reviennent. Je ne \
         ferais pas un autre métier.",
    ),
    (
        "pt",
        "Então, a gente comprou o barco sem saber navegar. Meu irmão tinha lido dois livros sobre o \
         assunto. No primeiro dia o motor parou no meio da baía. Um pescador nos puxou até a praia. \
         Ele não quis dinheiro nenhum. Depois disso fizemos um curso de três meses. Hoje eu sei ler o \
         vento e conheço cada pedra daquela costa. O mais difícil é ter paciência com o tempo. Se a \
         chuva vem, nós ficamos no porto. Mas quando o céu abre, não existe coisa melhor. No verão \
         que vem vamos até o sul.",
    ),
    (
        "it",
        "Allora, la vigna era di mio nonno. Lui la lavorava da solo con un cavallo. Quando è morto, \
         nessuno in famiglia la voleva. Io facevo l'impiegato in banca e non ero contento. Così ho \
         deciso di provare per un anno. Il primo vino era quasi aceto. Poi ho conosciuto un vecchio \
         cantiniere del paese. Mi ha insegnato a vendemmiare più tardi e a pulire bene le botti. Ci \
         sono voluti cinque anni per fare un vino buono. Oggi vendiamo quattromila bottiglie. Non \
         diventeremo ricchi, ma siamo felici.",
    ),
    (
        "en",
        "Next up is the library roof, which has been leaking since the storm in January. We had two \
         companies look at it. One of them wants to replace the whole thing for ninety thousand. The \
         other one says that new flashing and a few hundred tiles will do. I'm not an expert on \
         roofs. But the second offer comes with a guarantee of ten years. Maybe we can ask for the \
         same from the first company. The books on the upper floor are covered with plastic at the \
         moment. That can't go on through another winter. So I'd like a decision tonight. We have \
         the money in the building fund.",
    ),
];
