//! Portuguese.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "pt",
    stemmer: Some(rust_stemmers::Algorithm::Portuguese),
    stops: "a à ao aos algo alguém algum alguma alguns algumas ali antes aquela aquelas aquele \
        aqueles aquilo aqui as às até \
        cada com como contra da das de dela dele deles depois desde dessa desse desta deste do \
        dos e é ela elas ele eles em \
        entre era eram essa essas esse esses esta está estamos estão estar estas estava estavam \
        este estes estou eu foi for \
        foram há isso isto já lá lhe mais mas me mesma mesmo meu meus mim minha minhas muito \
        muita muitos muitas na nada não \
        nas nem nenhum nessa nesse nesta neste no nos nós nossa nosso num numa o os ou outra \
        outras outro outros para pela \
        pelas pelo pelos pode podem por porque pouco pra quando qual quanto que quem se seja sem \
        sempre ser seu seus só sob \
        sobre somos sou sua suas são também tão te tem têm temos tenho ter teve tinha toda todas \
        todo todos tu tudo um uma \
        umas uns vai vamos você vocês vou",
    weak: "acho agora ano anos aí bem boa bom coisa coisas dia dias disse dizer dois duas então \
        exemplo falar falando fazer \
        faz feito forma gente grande hoje hora ideia importante ir jeito maneira melhor momento \
        novo nova nunca obrigado \
        olha olá parte pergunta pessoa pessoas pequeno ponto pouco primeira primeiro quero \
        realmente saber sabe segundo sei \
        tempo tipo três verdade ver vez vezes claro",
    joints: &[
        "de", "do", "da", "dos", "das", "o", "a", "os", "as", "em", "e", "para", "com", "por",
        "sem", "no", "na",
    ],
    and: "e",
    fillers: &[
        "então", "bom", "e", "mas", "é", "hum", "tipo", "olha", "sim", "não", "pois", "aí", "né",
        "bem",
    ],
    hesitations: &["hum", "ahn", "hã", "éé"],
    leaning: &[
        "isso", "isto", "ele", "ela", "eles", "elas", "esse", "essa", "este", "esta", "porque",
        "ou", "aquilo",
    ],
    pronouns: &["ele", "ela", "eles", "elas", "dele", "dela"],
    openers: "agora|vamos falar|vamos para|passemos|próximo|o próximo|a próxima|por \
        último|finalmente|primeiro|segundo|\
        outra coisa|outro assunto|outra pergunta|bem-vindos|hoje|conta|voltando|a última",
    closers: "obrigado|obrigada|muito bem|certo|perfeito|alguma pergunta|claro",
    announcements: "vamos falar de|vamos falar sobre|quero falar sobre|quero falar de|pergunta \
        sobre|fala sobre|\
        comecemos com|vamos começar com|passemos a|voltando a|hoje falamos de",
    ordinals: "seguinte próximo próxima último última primeiro primeira segundo segunda terceiro terceira finalmente",
    links: "é são era foi será intitulado intitulada chamado chamada sobre",
    conclusions: "a regra|o importante|por isso|a chave|no final|no fim|acontece que|em \
        resumo|nunca|sempre|a lição",
    housekeeping: "bem-vindos|obrigado|obrigada|olá|bom dia|boa tarde|até logo|inscreva-se|tchau",
};
