"""The words around an option's letter: what announces it, what rejects it, and the letters of other scripts.

Languages that evaluations use often are listed; a language that is missing falls back to what needs no words (a letter
alone, at the start, boxed, in brackets).
"""

from __future__ import annotations

import re

# Option labels of other scripts, in their order, as translated benchmarks print them
NATIVE = (
    "АБВГДЕЖЗИК",
    "ΑΒΓΔΕΖΗΘΙΚ",
    "أبجدهوزحطي",
    "ابجدهوزحطي",
    "אבגדהוזחטי",
    "কখগঘঙচছজঝঞ",
    "कखगघङचछजझञ",
    "กขคงจฉชซฌญ",
    "가나다라마바사아자차",
    "甲乙丙丁戊己庚辛壬癸",
    "アイウエオカキクケコ",
)

_ANSWER = (
    r"answers?|choice|response|solution|conclusion|r[ée]ponse|antwort(?:en)?|l[öo]sung|respuestas?|soluci[óo]n|"
    r"resposta|risposta|antwoord|ответ(?:ом)?|вариант|відповідь|одговор|отговор(?:ът)?|odpowied[źz]|"
    r"odpov[ěe][ďd]|odgovor|"
    r"cevab?p?[ıi]?|yan[ıi]t|svaret|svar|vastaus|v[áa]lasz|r[ăa]spuns(?:ul)?|απάντηση|đáp án|câu trả lời|"
    r"jawaban(?:nya)?|jawapan|jibu|sagot|erantzuna|答案|答え|答|正解|解答|回答|选项|選項|정답|답|الإجابة|الاجابة|إجابة|"
    r"الجواب|جواب|پاسخ|התשובה|תשובה|उत्तर|जवाब|উত্তর|জবাব|คำตอบ|ตอบ|సమాధానం|விடை|பதில்|ఉత్తరం"
)
_LINK = (
    r"is|are|was|be|would be|should be|must be|will be|has to be|lies|lautet|ist|w[äa]re|est|es|é|è|[eè]'|sont|son|"
    r"to|brzmi|je|är|er|on|este|είναι|là|adalah|ialah|ni|ay|da|是|为|為|应该是|應該是|は|が|은|는|이|가|"
    r"هي|هو|היא|הוא|است|है|हैं|হল|হলো|হচ্ছে|คือ|ఇది|ஆகும்"
)
_FILLER = (
    r"(?:(?:for sure|for certain|clearly|definitely|certainly|surely|obviously|simply|indeed|actually|therefore|thus|"
    r"hence|then|so|most|likely|probably|in fact|just|now|still|only|given|by|finally|option|options|choice|letter|"
    r"answer|the|a|an|correct|best|final|right|one|number|la|le|les|el|lo|il|der|die|das|de|het|o|a opção|"
    r"opci[óo]n|opção|"
    r"opzione|buchstabe|lettre|letra|lettera|correcte?a?|richtige?r?|bonne|juste|правильн\w+|верн\w+|вариант|буква|"
    r"правилен|doğru|seçenek|şık|opsi|pilihan|选项|選項|选|選|項|项|选择|是|应该|เป็น|ข้อ|विकल्प|বিকল্প|सही|সঠিক|الخيار|"
    r"الحرف|الصحيحة|الصحيح|النهائية|hier|correcta|correta|corretta|správn\w+|prawidłow\w+|poprawn\w+|dakle|also|donc|"
    r"por tanto|portanto|quindi|çünkü|đúng|benar|sahihi|tama|הנכונה|הנכון|הסופית)(?![A-Za-z]))"
)
_GAP = r"[\s:：=\-–—>→\"'“”«»「」『』(（\[{$<]*"
_NOT = (
    r"not|cannot|can'?t|isn'?t|never|neither|nor|none of|no|non|pas|nicht|kein|ne|nie|nem|ikke|inte|niet|não|"
    r"не|ні|değil|bukan|không phải|không|ليست|ليس|लेकिन नहीं|不是|不选|不選|不能是|并非|並非|而非|非|排除|아니라"
)

# Directly before a letter (or a group of them)
ANNOUNCED = re.compile(
    rf"(?:(?<![^\W_])(?:{_ANSWER})(?:\s+(?:choice|option|key|letter|finale?|correcta?|correcte|correta|corretta|"
    rf"richtige|to (?:the|this) (?:question|problem)|here|выбора?))?[\"'“”’]?"
    rf"(?:{_GAP}(?:(?:{_LINK})(?![A-Za-z])|{_FILLER})?){{0,8}}"
    rf"|boxed\s*\{{?{_GAP}|<answer>\s*|#{{2,6}}\s*|\"(?:correct_)?(?:choice|option|letter|label|"
    rf"prediction)\"\s*:{_GAP})\Z",
    re.IGNORECASE,
)
CHOSEN = re.compile(
    rf"(?:(?<![^\W_])(?:choos\w*|chose|pick\w*|select\w*|go(?:ing)? with|opt(?:ing|ed)? for|settl\w+ on|guess(?:ing)?|"
    rf"say|conclude|"
    rf"think|believe|feel|it'?s|it is|it must be|it has to be|it should be|must be|that'?s|that is|so|"
    rf"therefore|thus|hence|but|rather|leaves?(?: us)?(?: with)?|left with|points? to|matches|corresponds to|"
    rf"wähle|sondern|sino|donc|"
    rf"choisis|elijo|escolho|scelgo|kies|выбираю|значит|därför|also|daher|deshalb|quindi|portanto|por tanto|"
    rf"luego)(?![A-Za-z])"
    rf"|选择?|選擇?|应选|應選|故选|所以|因此|而是|→|=>|⇒|따라서|したがって|よって|لذلك|इसलिए|তাই|ดังนั้น)"
    rf"(?:{_GAP}{_FILLER}?){{0,6}}\Z",
    re.IGNORECASE,
)
REJECTED = re.compile(
    rf"(?:(?<![^\W_])(?:{_NOT}|n['’]t|rul\w+ out|eliminat\w+|exclud\w+|reject\w*|discard\w*|rather than|instead of|"
    rf"except|unlike|other than|than|\w+n['’]t(?: be)?|dismiss\w*|wrong(?:ly)?)(?![A-Za-z])|不是|不选|非|排除)"
    rf"(?:[\s:\"'“(\[]*(?:be|the|an?|option|options|choice|answer|is|it|it's|es|est|ist|letter|correct|either|both|"
    rf"ni|for|because of|è|é)?){{0,5}}\Z",
    re.IGNORECASE,
)

# Directly behind a letter (or a group of them)
_BEHIND = r"\A[\s)\]}\"'”»」』:]{0,4}(?:\([^()\n]{0,60}\)\s?)?"
_BE = (
    r"(?:is|are|was|were|must be|would be|should be|seems?(?: to be)?|es|est|ist|é|è|je|är|er|on|este|"
    r"είναι|adalah|jest)"
)
_RIGHT = (
    r"correct\w*|right|true|accurate|appropriate|best|answers?|valid|the one|richtig\w*|juste|exacte?|bonne|giust\w+|"
    r"corrett\w+|corret\w+|juist\w*|goed|верн\w+|правильн\w+|poprawn\w+|správn\w+|doğru\w*|benar|đúng|rätt|riktig\w*|"
    r"oikein|σωστ\w+|tačan|helyes"
)
CALLED_RIGHT = re.compile(
    rf"{_BEHIND}(?:option\s+)?(?:{_BE}\s+(?:(?:\w+ly|the|a|an|la|le|die|der|das|il|de|het|therefore|thus|hence|then|"
    rf"only|most|indeed|opción|réponse|respuesta|resposta|risposta|antwort)\s+){{0,4}}(?:{_RIGHT})(?![A-Za-z])"
    rf"|(?:works|fits|it is)\b|(?:是|为)?(?:正确|正確|对的|對的)|が正しい|が正解|이 정답|가 정답|이 맞|가 맞|"
    rf"هي الصحيحة|هو الصحيح|सही है)"
    r"|\A[)\]]?[.:(\-–—\s]{0,4}(?:(?:this is |yes,? )?(?:correct|right|true|richtig|correcta|"
    r"correta)(?![A-Za-z])|[✓✅✔])",
    re.IGNORECASE,
)
CALLED_WRONG = re.compile(
    rf"{_BEHIND}(?:(?:{_BE}|can be|could be|can all be|can both be|being)\s+"
    rf"(?:(?:\w+ly|also|both|all|therefore|thus|just|simply|too|obviously|clearly|the|an?)\s+){{0,2}}"
    rf"(?:not|wrong|incorrect\w*|false|ruled out|eliminated|excluded|dismissed|invalid|impossible|implausible|"
    rf"irrelevant|"
    rf"inaccurate|unlikely|out|off|no|falsch\w*|faux|fausse|errad[ao]s?|errat[ao]|sbagliat[ao]|fals[oa]s?|"
    rf"неверн\w+|неправильн\w+|salah|sai|błędn\w+|fout|fel|feil)|"
    rf"не|неверн\w+|неправильн\w+|yanlış\w*|salah|sai|n'est|no es|não é|non è|fails?|failed|contradicts?|doesn['’]t|"
    rf"don['’]t|isn['’]t|aren['’]t|can['’]t|cannot|won['’]t|wouldn['’]t|does not|do not|did not)(?![A-Za-z])"
    rf"|{_BEHIND}(?:都|均|也|是)?(?:不对|不對|不正确|不正確|不是(?!\s*[A-Z])|错|錯|不符合|不可能)"
    rf"|{_BEHIND}(?:는|은) (?:틀|아니)|{_BEHIND}गलत",
    re.IGNORECASE,
)
# "C: incorrect". Behind an announced letter the same is the option's own text ("Answer: B) False")
LABELLED_WRONG = re.compile(
    r"\A[)\]]?[.:(\-–—\s]{0,4}(?:(?:this is |no,? )?(?:incorrect|wrong|false|not )|[✗❌✘])", re.IGNORECASE
)

# Between letters of one group: "A, B and D", "A or B"
JOINED = re.compile(
    r"[\s)\]}\"'”]{0,3}(?:,\s*(?:and|or|nor)|,|、|，|/|&|\+|and|or|nor|ni|und|oder|et|ou|y|e|o|u|или|и|och|eller|og|"
    r"en|of|ve|veya|dan|atau|và|hoặc|和|或|与|및|و|أو|और|या|এবং|বা)\s{0,2}"
    r"(?:also |options? |choices? |both |neither )?[(\[\"'“]{0,2}",
    re.IGNORECASE,
)
# A lower case word behind "A" with which it is the letter and not the article
NO_NOUN = re.compile(
    r"(?:is|are|was|were|because|since|as|and|or|nor|but|if|in|by|for|from|would|will|can|could|cannot|can't|"
    r"must|may|might|"
    r"should|has|had|does|doesn't|do|isn't|wasn't|won't|seems?|says?|states?|makes?|fails?|gives?|fits?|works?|"
    r"matches|means?|"
    r"describes?|refers?|contradicts?|not|due|which|with|where|while|when|so|then|therefore|to|at|the|this|that|"
    r"it|instead|"
    r"rather|non|pas|est|es|ist|nicht|denn|porque|car|parce)\b"
)
# What carries a letter of its own
LABELLED = re.compile(
    r"\b(?:vitamins?|plan|hepatitis|types?|grade|class|group|points?|sections?|figure|fig|table|part|case|"
    r"category|phase|"
    r"step|players?|team|person|statements?|angle|sets?|matrix|vertex|events?|influenza|country|company|items?|product|"
    r"city|town|box|bag|urn|machine|bus|train|car|line|side|node|state|system|block|blood|factor|cell|level|"
    r"string|protein|"
    r"major|minor|flat|sharp|language|drive|appendix|theory|premise|assertion|reason|column|row|list|circle|triangle|"
    r"process|method|drug|solution|compound|element|reaction|gene|allele|note|key of|exhibit|schedule)\s*$",
    re.IGNORECASE,
)
OPTION = re.compile(
    r"\b(?:option|choice|letter|opción|opção|lettre|buchstabe|вариант|буква|الخيار)\s*\Z", re.IGNORECASE
)
