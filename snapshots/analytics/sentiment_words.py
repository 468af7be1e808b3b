"""Words by which comments are told kind or unkind, in English, French, Spanish, German and Portuguese, and emoji.

Short lists of our own: what they do not know is counted as unknown, not guessed. Words that mean something else in
another of these languages are not in them (German “groß” and “lies”, English “like” and “pretty”). Pure.
"""

from __future__ import annotations

from unicodedata import combining, normalize

_POSITIVE = """
    love loved loving lovely amazing awesome beautiful best better brilliant perfect perfection wonderful fantastic
    incredible excellent good great nice cute adorable sweet delicious yummy tasty fun funny hilarious happy glad
    thanks thank grateful helpful useful inspiring talented genius legend queen fire wow yay congrats congratulations
    obsessed impressive gorgeous stunning favorite favourite underrated cool super top bravo masterpiece iconic
    adore adorer aime magnifique génial géniale excellente parfait parfaite merci beau belle bon bonne délicieux
    délicieuse mignon mignonne drôle incroyable meilleur meilleure formidable sublime joli jolie félicitations
    amo encanta encantó encantan hermoso hermosa precioso preciosa bonito bonita bueno buena buenísimo increíble
    maravilloso maravillosa perfecto perfecta gracias excelente mejor delicioso deliciosa riquísimo lindo linda
    felicidades divertido divertida guapo guapa
    liebe mag toll tolle toller schön schöne schönes wunderbar wunderschön klasse lecker perfekt danke gut gute beste
    besten geil mega lustig süß süße hübsch hammer herrlich gefällt
    amei adorei adoro maravilhoso maravilhosa perfeito perfeita obrigado obrigada ótimo ótima bom boa melhor incrível
    gostoso delícia parabéns fofo fofa engraçado
"""
_NEGATIVE = """
    hate hated hates awful terrible horrible bad worse worst ugly boring bored annoying annoyed stupid dumb disgusting
    nasty trash garbage rubbish fake scam liar cringe sad disappointing disappointed disappointment failed failure
    useless waste wrong overrated overpriced disaster pathetic ridiculous shame shameful unfollow unfollowed broken
    sucks clickbait stolen creepy toxic
    nul nulle déteste affreux affreuse moche mauvais mauvaise pire ennuyeux ennuyeuse dégoûtant dégoûtante arnaque
    mensonge menteur menteuse déçu déçue décevant décevante triste honte ridicule
    odio feo fea malo mala malísimo peor aburrido aburrida asco asqueroso asquerosa estafa mentira mentiroso mentirosa
    falso falsa decepción decepcionado basura vergüenza inútil estúpido ridículo pésimo
    hasse schlecht schlechte furchtbar schrecklich hässlich langweilig eklig ekelhaft dumm blöd lüge lügner betrug
    enttäuscht enttäuschend peinlich müll schade nervt schlimm
    odeio odiei feio feia ruim pior chato chata nojo nojento nojenta golpe decepção decepcionante lixo vergonha
    péssimo péssima horrível
"""
_NEUTRAL = "ok okay normal bof meh regular geht mittel"
_NEGATIONS = """
    not no never don't dont doesn't doesnt didn't didnt isn't isnt wasn't wasnt aren't arent can't cant cannot won't
    wont without hardly nothing ain't aint
    ne pas jamais sans aucun aucune nunca jamás sin ni nicht kein keine keinen nie niemals ohne não nem sem
"""
#: These stand behind what they deny, too: “j'aime pas”, “das mag ich nicht”.
_DENYING_BACKWARDS = "pas jamais nicht nie"
#: What follows is said apart from what went before: “good but not mine”.
_TURNS = "but mais pero aber mas although doch"
#: Without its accents the word is another one: schön, schon.
_OTHERS_WITHOUT_ACCENTS = frozenset({"schon"})

POSITIVE_EMOJI = frozenset("❤🧡💛💚💙💜🤍🖤💕💖💗💘💞💓😍🥰😘😻🤩😊☺😁😄😃🙂😂🤣👍👏🙌🙏💯🔥✨⭐🌟🎉🥳😋🤤💪👌🫶🏆🥹💝")
NEGATIVE_EMOJI = frozenset("😡😠🤬👎🤮🤢😒🙄💩😤😞😔😢💔😖😣😩🤡😑🥱")


def without_accents(word: str) -> str:
    """The word without its combining marks."""
    return "".join(each for each in normalize("NFD", word) if not combining(each))


def _words(text: str) -> frozenset[str]:
    words = {word.casefold() for word in text.split()}
    return frozenset(words | ({without_accents(word) for word in words} - _OTHERS_WITHOUT_ACCENTS))


#: The sign of a word: 1 kind, −1 unkind, 0 known and neither.
SIGNS = dict.fromkeys(_words(_NEUTRAL), 0) | dict.fromkeys(_words(_POSITIVE), 1) | dict.fromkeys(_words(_NEGATIVE), -1)
NEGATIONS, DENYING_BACKWARDS, TURNS = _words(_NEGATIONS), _words(_DENYING_BACKWARDS), _words(_TURNS)
