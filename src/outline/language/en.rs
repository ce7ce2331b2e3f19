//! English.

use super::Language;

pub(super) const WORDS: Language = Language {
    code: "en",
    stemmer: Some(rust_stemmers::Algorithm::English),
    stops: "a about above after again against ain't all also although am an and another any \
        anybody anyone anything \
        are aren't around as at away back be because been before being below between both but by \
        can can't cannot \
        could couldn't did didn't do does doesn't doing don't done down during each either else \
        enough even ever every \
        everybody everyone everything few for from further had hadn't has hasn't have haven't \
        having he he'd he'll \
        he's her here here's hers herself him himself his how how's however i i'd i'll i'm i've \
        if in instead into is \
        isn't it it'd it'll it's its itself just less let let's many may maybe me might mine more \
        most much must my \
        myself neither never no nobody none nor not nothing now of off often on once one ones \
        only onto or other \
        others otherwise our ours ourselves out over own per perhaps quite rather same shall she \
        she'd she'll she's \
        should shouldn't since so some somebody someone something sometimes somewhere still such \
        than that that'd \
        that'll that's the their theirs them themselves then there there's there'll these they \
        they'd they'll they're \
        they've this those though through till to together too toward towards under unless until \
        up upon us very was \
        wasn't we we'd we'll we're we've well were weren't what what's whatever when when's where \
        where's whether \
        which while who who'd who's whole whom whose why will with within without won't would \
        wouldn't yes yet you \
        you'd you'll you're you've your yours yourself yourselves",
    weak: "next behind beside besides inside outside underneath along across edition short able \
        absolutely actual actually ago agree almost already alright always amazing anyway ask \
        asked asking bad \
        basic basically begin best better big bit bring brings brought call called calls came \
        certain certainly cheaper \
        cheapest clear \
        clearly come comes coming completely cool correct couple course curious day days deal \
        definitely depends \
        different difference difficult dude \
        early easier easily easy eight eleven end ends entire especially every exactly example \
        excellent excited \
        expect explain fact fair fairly fast favorite favourite feel feels felt fifteen fifty \
        fifth figure final finally \
        find fine first five folks forty forward found four fourth full fun funny gave general \
        generally gets \
        get getting \
        give given gives giving glad go goes going gone gonna good got gotta great guess guest \
        guy guys half hand happen \
        happened happening happens happy hard hear heard hello help hey hi hmm hold honest \
        honestly hope hour hours huge \
        hundred idea imagine important incredible interested interesting keep keeps kept kind \
        kinda kinds knew know \
        known knows large last late later least leave left lets like liked likely literally \
        little live long longer \
        look looked looking looks lose lot lots love loved lovely low mad made main make makes \
        making matter mean means \
        meant mentioned middle million minute minutes moment month months morning move moved \
        moving mr mrs ms need \
        needed needs new nice night nine obviously oh ok okay old opposite order part parts \
        particular particularly \
        people perfect person piece pieces place places plenty plus point possible pretty \
        probably problem pull \
        put puts putting question questions quick quickly rarely ready real really reason reasons \
        remember right run running said \
        sat saw say saying says second seconds see seeing seem seemed seems seen sense separate \
        set seven seventh show \
        shows side similar simple simply single six sixth sixty small somehow sort sorts sound \
        sounds speak specific start started \
        starting starts stay step stop stops stuff super suppose supposed sure take taken takes \
        taking talk talked \
        talking tell tells ten tend term terms thank thanks thing things think thinking third \
        thirty thought thousand three \
        time times today told tomorrow tonight took top totally tried tries true truth try trying \
        turn turned turns \
        twelve twenty twice two type uh um understand use used uses using usual usually various \
        version wait walk walked want \
        wanted wants way ways week weeks welcome went wherever wonder wonderful wondering word \
        words work worked \
        working works worry worse worst worth wow wrong yeah year years yep yesterday zero become \
        becomes became basis \
        notice noticed teach taught learn learned learnt read write wrote spend spent buy bought \
        pay paid add added cost costs \
        everywhere nearly close closer open opened build built grow grew choose chose stand stood \
        sit sits wish \
        listener listeners episode show podcast bigger smaller higher lower",
    joints: &[
        "of", "the", "for", "in", "and", "to", "on", "with", "a", "from", "at", "by", "without",
        "into", "per", "under", "over", "after", "before", "versus", "vs",
    ],
    verbal: &["ly", "ed"],
    and: "and",
    firsts: "so but and well yes yeah okay ok now no oh right um anyway alright then obviously \
        hey thanks thank sorry exactly",
    starters: "i i'm i've i'd i'll it's that's what's there's he's she's he she we we're we've \
        we'll they're this there if when what why how who where maybe let let's once because \
        since you it they next today these actually basically while although can did do my \
        our you're also is",
    dangling: "a an the and or but because if than that's of to in on at for with from by as into \
        onto about between through during without under over per via i i'm i've i'd i'll we \
        we're we've we'll they they're he he's she she's you're you've it's there's let's my \
        your our their his its which who whose whom whether while although unless until am \
        is are was were be been being has had have having can could will would shall should \
        may might must do does don't didn't doesn't isn't aren't wasn't very really just \
        every each some any no gonna how what's quite rather too these those not also so own",
    fillers: &[
        "so",
        "and",
        "but",
        "um",
        "uh",
        "well",
        "yeah",
        "yes",
        "okay",
        "ok",
        "right",
        "now",
        "oh",
        "ah",
        "hmm",
        "er",
        "erm",
        "like",
        "anyway",
        "alright",
        "because",
        "also",
        "actually",
        "basically",
        "honestly",
        "obviously",
        "look",
        "listen",
        "see",
        "then",
        "no",
    ],
    hesitations: &["um", "uh", "er", "erm", "uhm", "umm", "hm", "hmm", "mm", "mmm", "mhm"],
    asides: "you know|i mean|like|right|you see|sort of|kind of|i guess|let's say|\
        how shall i say|as i said|as i say|well|okay|yeah|actually|basically|honestly",
    leaning: &[
        "it", "it's", "its", "they", "they're", "them", "he", "she", "he's", "she's", "this",
        "that", "that's", "those", "these", "which", "there's", "there", "then", "because", "or",
        "him", "her", "such", "you'd", "i'd", "who", "exactly", "did", "does", "is", "are", "was",
        "can", "could", "would", "will", "what", "why", "how",
    ],
    pronouns: &[
        "he", "she", "they", "him", "her", "hers", "his", "them", "their", "it's", "they're",
        "he's", "she's",
    ],
    openers: "next|the next|moving on|let's move|let's talk|let us talk|let's turn|let's go \
        to|let's get to|let's start|\
        let's begin|let's get into|let's jump|let's switch|let's look at|shall we|so next|okay \
        next|last|lastly|finally|\
        our last|the last|one last|final|our next|another|a different|speaking of|turning to|now \
        let's|so let's|\
        okay let's|all right let's|alright let's|i want to ask|i wanted to ask|i'd like to \
        ask|can we talk|\
        can you talk|talk about|tell us about|tell me about|now to|now for|on to|okay so|all \
        right so|alright so|first|\
        second|third|fourth|before we|we have a question|question from|a question from|here's a \
        question|\
        let me ask|i have a question|so the next|welcome|today|and next|and finally|and last|back \
        to|\
        so tell me|so tell us|how about|what about|changing the subject|on a different|i'm going \
        to talk|\
        i want to talk|i'll talk about|now i want|now i'd like|so now|the first|the second|the \
        third|one more|our first|our final|the final|you mentioned|as for|in terms of|with \
        regard to|regarding|let me start|i'll start|i will start|to start|to begin|going back \
        to|coming back to|there's another|there is another|there's also|another one|next \
        one|last one|final one|my next|my question|my last|we also had|we also have|let's \
        do|let's take|let's hear|let's go|so let us|can i ask|could you talk|could you \
        explain|could you tell|can you tell|can you explain",
    closers: "thanks|thank you|anything to add|any other|anything else|all \
        right|great|perfect|excellent|makes sense|\
        that makes sense|good point|okay|cool|awesome|any questions|got it|fair enough|sounds \
        good|very good",
    announcements: "let's talk about|let us talk about|let's start with|let's begin with|let's \
        turn to|let's move on to|\
        let's move to|let's get to|let's get into|let's look at|let's go to|talk to us about|tell \
        us about|tell me about|\
        moving on to|turning to|we move on to|i wanted to ask about|i want to ask about|i want to \
        ask you about|\
        ask you about|ask about|question about|questions about|question is about|want to talk \
        about|\
        wanted to talk about|and talk about|going to talk about|gonna talk about|like to talk \
        about|talk a bit about|\
        talk a little about|talk a little bit about|talking about today is|we're talking about|we \
        are talking about|\
        today is about|today it is|topic is|subject is|next is|next up is|next one is|next \
        up|next piece is|\
        next thing is|next item is|next topic is|next section is|first thing is|last thing \
        is|which brings us to|\
        that brings us to|brings us to|back to the subject of|on to|now for|speaking of|what \
        about|how about|\
        let's do|come to|we come to|get to",
    steps: "next another last final first second third fourth fifth sixth lastly finally \
        previous following new",
    parts: "question questions topic topics item items section sections piece update updates \
        story subject issue chapter slide slides news point points thing things part segment \
        talk paper release releases agenda presentation announcement proposal idea step",
    links: "is was are were titled called named about being comes",
    conclusions: "so the rule|the rule is|the rule of thumb|my rule|the point is|the lesson|that \
        is why|that's why|\
        the answer is|the trick is|the key is|the main thing|most important|the idea is|in \
        short|in the end|\
        it turns out|turned out|which means|the result|we decided|we agreed|the reason|the \
        mistake|the secret|\
        what matters|never|always|instead of",
    housekeeping: "next i want to ask|next i wanted to ask|i want to ask|i wanted to ask|\
        i'd like to ask|now i want to ask|welcome to|welcome back|thanks for|thank you|\
        thanks to|subscribe|see you|goodbye|bye|my name is|good morning|good evening|\
        hello|hi everyone|leave a review|sponsor|show notes|next time|next week|\
        let's talk|let's move|let's start|tell me|tell us|go on|go ahead|\
        i have a question|does that make sense|talk about|before we|we have a question|\
        question from|write to us|glad to be here|great to be here|happy to be here|\
        good to be here|let's|moving on|next up|welcome everyone|welcome everybody|\
        welcome all|welcome, everyone|welcome and|welcome|hey everyone|hi everybody|\
        hello everyone|good afternoon|thanks everyone|thanks everybody|please subscribe|\
        like and subscribe|we're joined|we are joined|i'm joined|joining us|joining me|\
        with us today|this episode is|today's episode is brought|brought to you|\
        use the code|check out|check the show notes|in the show notes|follow us|\
        you can find us|find us on|you can find me|that's it for|that's all for|\
        that's a wrap|until next time|take care|have a great|have a good|nice to meet you|\
        pleasure to|it's a pleasure|how are you|how's it going|can you hear|\
        can everybody hear|can everyone hear|next slide|any questions|\
        are there any questions|any other questions|another question|one more question|\
        next question|shall we start|shall we begin|we will now proceed|let us|\
        we have a couple of|we have a few|we have a handful|in order to help us|\
        we don't have any|apologies|live from|hi i'm|hi i am|i work at|i work for|i work on|\
        i'm here with|i am here with|coming up|today i'm joined|with me today|let me introduce|\
        allow me to introduce",
};
