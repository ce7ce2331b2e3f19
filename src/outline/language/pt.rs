//! Portuguese.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "pt",
    stemmer: Some(rust_stemmers::Algorithm::Portuguese),
    stops: "a à ao aos algo alguém algum alguma alguns algumas ali antes aquela aquelas aquele \
        aqueles aquilo aqui as às até cada com como contra da das de dela dele deles \
        depois desde dessa desse desta deste do dos e é ela elas ele eles em entre era \
        eram essa essas esse esses esta está estamos estão estar estas estava estavam este \
        estes estou eu foi for foram há isso isto já lá lhe mais mas me mesma mesmo meu \
        meus mim minha minhas muito muita muitos muitas na nada não nas nem nenhum nessa \
        nesse nesta neste no nos nós nossa nosso num numa o os ou outra outras outro \
        outros para pela pelas pelo pelos pode podem por porque pouco pra quando qual \
        quanto que quem se seja sem sempre ser seu seus só sob sobre somos sou sua suas \
        são também tão te tem têm temos tenho ter teve tinha toda todas todo todos tu tudo \
        um uma umas uns vai vamos você vocês vou acerca agora aí ainda além ante apenas \
        apesar após assim através bem cá conosco contudo cuja cujo daquela daquele dar \
        debaixo delas demais dentro dessas desses destes devem deve deveria disso disto \
        durante embaixo embora enfim enquanto então éramos estará esteja esteve estive faz \
        fez fizeram fomos fora fosse fossem fui haja haver havia houve jamais junto lhes \
        lo logo meio menos mesmas mesmos nela nele nenhuma ninguém nossas nossos nunca \
        onde ora per perante pois porém pôde podemos poderia pouca poucas poucos pro pros \
        própria próprio quais qualquer quanta quantos quase quê quer sejam sendo será \
        serão seria si sido sobretudo tal tais talvez tampouco tanta tanto tendo tenha \
        terá teria teu ti tinham tive todavia tua vão vos",
    weak: "acho ano anos boa bom coisa coisas dia dias disse dizer dois duas exemplo falar \
        falando fazer feito forma gente grande hoje hora ideia importante ir jeito maneira \
        melhor momento novo nova obrigado olha olá parte pergunta pessoa pessoas pequeno \
        ponto primeira primeiro quero realmente saber sabe segundo sei tempo tipo três \
        verdade ver vez vezes claro acaba acabou acha achar aconteceu acontece acordo \
        afinal agradeço ajuda alto antigo aprender área basicamente boas bons bocado \
        bonito cara caras caso cedo cem certa certeza certo chama chamada chamado chega \
        chegar chegou cinco coloca colocar começa começar começamos começou completamente \
        complicado conhece conseguir consegue conta contar conversa conversar correto crer \
        creio dá dado deixa deixar demora dez diferente diferentes difícil diga dinheiro \
        dizem diz dúvida efetivamente entender entendeu entendi enorme episódio errado \
        espécie espero exatamente explicar fácil fala falamos falei falou falta fazem \
        fazendo ficar fica ficou fim final finalmente forte frente geral geralmente gosta \
        gostaria gosto grandes grupo história horas igual imagina importantes incrível \
        início interessante inteiro lado legal lembro ligar linha lista longe longo lugar \
        maior maioria mal manhã medida meia melhores menor mês meses metade mil minuto \
        minutos modo moça muda mudar mundo necessário nome nível noite normal normalmente \
        novas nove novos número obrigada óbvio oito olhar ótimo ouvir ouvinte ouvintes \
        parece partes passa passado passar pegar penso pensar pensei pequena percebe \
        perguntar perguntas perto pior podcast põe pontos pôr possível praticamente \
        precisa precisamos precisar preciso principal principalmente problema \
        provavelmente próxima próximo pude quarto quatro queria querer quiser rápido razão \
        real realidade resto sabem sabemos sai sair seis semana semanas senhor senhora \
        sentido sete sério segue segunda seguinte seguir simples simplesmente sim situação \
        super tarde tema temas tentar terceira terceiro tipos tirar total totalmente \
        trabalho traz último última único única usa usar uso vale valor veio vejo vem \
        vemos viagem vida vinte vir vista volta vontade",
    joints: &[
        "de", "do", "da", "dos", "das", "o", "a", "os", "as", "em", "e", "para", "com", "por",
        "sem", "no", "na",
    ],
    verbal: &[
        "ando", "endo", "indo", "aram", "eram", "iram", "ado", "ido", "mente", "avam", "iam",
        "ariam",
    ],
    and: "e",
    firsts: "então mas e bom sim não pois aí agora depois também além obrigado obrigada olá olha \
        enfim certo claro",
    starters: "eu nós ele ela eles elas é há tem temos tenho quando como por que porque o a os as \
        um uma no na isso isto esse essa este esta hoje acho talvez primeiro se já só quero \
        estou estamos para cada foi era embora enquanto ainda você gente",
    dangling: "a à ao aos às o os as um uma uns umas de do da dos das em no na nos nas por pelo \
        pela pelos pelas para com sem sobre entre até desde e ou mas que se porque quando \
        como quem cujo cuja eu ele ela eles elas meu minha seu sua nosso nossa me te lhe \
        muito mais tão é são era eram está estão foi ser estar tem têm há cada qualquer este \
        esta esse essa embora enquanto conforme num numa",
    fillers: &[
        "então",
        "bom",
        "bem",
        "e",
        "mas",
        "né",
        "ah",
        "oh",
        "eh",
        "é",
        "ok",
        "okay",
        "tá",
        "sim",
        "não",
        "pois",
        "olha",
        "olhe",
        "veja",
        "aí",
        "agora",
        "claro",
        "certo",
        "enfim",
        "tipo",
        "assim",
        "ora",
        "exato",
        "exatamente",
        "realmente",
        "basicamente",
    ],
    hesitations: &["eh", "ah", "hã", "ahn", "hum", "hmm", "mm", "éh"],
    asides: "sabe|sabes|quer dizer|digamos|tipo|tipo assim|né|enfim|bom|bem|olha|ou seja|\
        eu diria|vamos dizer|por assim dizer|claro|pois",
    leaning: &[
        "isso", "isto", "aquilo", "ele", "ela", "eles", "elas", "lhe", "lhes", "o", "que", "esse",
        "essa", "esses", "essas", "este", "esta", "estes", "estas", "porque", "ou", "qual",
        "quais", "aí", "lá", "ali", "assim", "também", "tampouco", "além", "então", "nele", "nela",
        "dele", "dela", "disso", "nisso", "tal", "tais", "cujo",
    ],
    pronouns: &[
        "ele", "ela", "eles", "elas", "lhe", "lhes", "dele", "dela", "deles", "delas", "seu",
        "sua", "seus", "suas",
    ],
    openers: "agora|vamos falar|vamos para|passemos|próximo|o próximo|a próxima|por \
        último|finalmente|primeiro|segundo|\
        outra coisa|outro assunto|outra pergunta|bem-vindos|hoje|conta|voltando|a última|o último|a primeira|o primeiro|a segunda|o segundo|passamos a|passamos \
        para|vamos à|vamos ao|vamos começar|comecemos|falemos|quero perguntar|queria \
        perguntar|gostaria de perguntar|tenho uma pergunta|temos uma pergunta|uma pergunta|a \
        minha pergunta|minha pergunta|um outro|uma outra|outro tema|outro ponto|você \
        mencionou|podemos falar|pode falar|podes falar|e quanto a|quanto a|para \
        terminar|para começar|em primeiro lugar|em segundo lugar",
    closers: "obrigado|obrigada|muito bem|certo|perfeito|alguma pergunta|claro",
    announcements: "vamos falar de|vamos falar sobre|quero falar sobre|quero falar de|pergunta \
        sobre|fala sobre|\
        comecemos com|vamos começar com|passemos a|voltando a|hoje falamos de",
    steps: "próximo próxima seguinte outro outra último última primeiro primeira segundo \
        segunda terceiro terceira quarto quarta novo nova finalmente",
    parts: "pergunta perguntas tema temas assunto assuntos ponto pontos parte partes seção \
        secção coisa coisas notícia notícias capítulo slide palestra proposta ideia passo \
        tópico",
    links: "é são era foi será intitulado intitulada chamado chamada sobre",
    conclusions: "a regra|como regra|o importante|o mais importante|o principal|o que importa|\
        por isso|portanto|logo|a chave|o segredo|o truque|no fim|no final|afinal|em suma|\
        em resumo|resumindo|em conclusão|para concluir|concluindo|a conclusão|a lição|\
        aprendemos|o que aprendi|acontece que|descobrimos que|o que significa|\
        isso significa|significa que|quer dizer que|a razão|o motivo|o erro|o problema é|\
        a solução|a resposta é|o resultado|decidimos|ficou decidido|combinamos|\
        concordamos|a ideia é|o ponto é|nunca|sempre|em vez de|ao invés de",
    housekeeping: "bem-vindos|bem-vindas|bem-vindo|bem-vinda|sejam bem-vindos|obrigado|obrigada|\
        muito obrigado|muito obrigada|valeu|olá|oi|bom dia|boa tarde|boa noite|tchau|\
        adeus|até logo|até mais|até a próxima|até à próxima|até semana que vem|\
        inscreva-se|inscrevam-se|se inscreva|subscrevam|deixe seu comentário|deixem|siga|\
        sigam|curte|patrocinador|patrocínio|este episódio|neste episódio|nas notas|\
        meu nome é|eu me chamo|chamo-me|eu sou o|eu sou a|prazer|é um prazer|muito prazer|\
        tudo bem|como vai|vamos falar|vamos para|vamos passar|vamos começar|começamos|\
        conta pra gente|conte-nos|conta-nos|fala pra gente|me conta|diga|pode falar|\
        tenho uma pergunta|temos uma pergunta|próxima pergunta|outra pergunta|\
        antes de começar|antes de terminar|hoje vamos|hoje a gente|hoje nós|\
        semana que vem|faz sentido|alguma pergunta",
};
