"""Small talk and its short replies."""

from tutelage.curricula.terminal.family import define

FAMILIES = (
    define(
        "small talk",
        "greeting",
        "",
        "Hello! What shall I do?",
        """
        (hello|hi|hey) (there|)
        (hello|hi|hey), computer
        good to see you
        greetings
        hey, are you there?
        """,
        """
        hello, good to see you there
        """,
    ),
    define(
        "small talk",
        "morning",
        "",
        "Good day! What shall I do?",
        """
        good (morning|afternoon)
        a very good day to you
        good evening, computer
        """,
        """
        a good morning to you, computer
        """,
    ),
    define(
        "small talk",
        "introduction",
        "person",
        "Hello {person}! What shall I do?",
        """
        (hi|hello), i am {person}
        my name is {person}
        {person} here, hello
        hey, this is {person}
        """,
        """
        good day, {person} is my name
        """,
    ),
    define(
        "small talk",
        "how_are_you",
        "",
        "I am fine, thank you.",
        """
        how are you (today|)?
        are you (well|all right)?
        how do you do?
        how is it going?
        """,
        """
        are you fine today?
        """,
    ),
    define(
        "small talk",
        "thanks",
        "",
        "You are welcome.",
        """
        (thanks|thank you) (very much|)
        many thanks
        thanks a lot for your help
        that was kind, thank you
        """,
        """
        you were a great help, thanks
        """,
    ),
    define(
        "small talk",
        "praise",
        "",
        "I am glad to hear that.",
        """
        (well done|great job|good work)
        you are (great|very good)
        that was perfect
        i like what you did
        """,
        """
        what you did was very good
        """,
    ),
    define(
        "small talk",
        "sorry",
        "",
        "No problem at all.",
        """
        (sorry|i am sorry), my mistake
        oh sorry, i typed the wrong thing
        sorry about that
        excuse me
        """,
        """
        that was my mistake, sorry
        """,
    ),
    define(
        "small talk",
        "who",
        "",
        "I am a small shell assistant.",
        """
        who are you?
        what are you?
        what is your name?
        tell me about yourself
        """,
        """
        tell me your name and what you are
        """,
    ),
    define(
        "small talk",
        "human",
        "",
        "No, I am a program.",
        """
        are you (human|a person|real)?
        am i talking to a machine?
        do you have a body?
        are you alive?
        """,
        """
        am i talking to a real person?
        """,
    ),
    define(
        "small talk",
        "skills",
        "",
        "I turn requests into shell commands.",
        """
        what can you do (for me|)?
        how can you help me?
        what are you good at?
        what should i ask you?
        help
        """,
        """
        what can i ask you to do?
        """,
    ),
    define(
        "small talk",
        "goodbye",
        "",
        "Goodbye!",
        """
        (bye|goodbye) (for now|)
        see you (later|tomorrow)
        good night
        i have to go now
        """,
        """
        i have to go, see you later
        """,
    ),
    define(
        "small talk",
        "joke",
        "",
        "I know commands, but no jokes.",
        """
        tell me a joke
        do you know a joke?
        make me laugh
        say something funny
        """,
        """
        make me laugh with a joke
        """,
    ),
)

# words of which a fitting reply must hold one
FITTING = {
    "greeting": r"\b(hello|hi|hey|greetings|good day)\b",
    "morning": r"\b(hello|hi|good (day|morning|afternoon|evening))\b",
    "introduction": r"\b(hello|hi|hey|nice to meet|good day)\b",
    "how_are_you": r"\b(fine|well|good|great)\b",
    "thanks": r"\bwelcome\b|\bmy pleasure\b|\bno problem\b",
    "praise": r"\b(glad|thank|thanks|happy)\b",
    "sorry": r"\b(no problem|never mind|all right|no harm|that is fine)\b",
    "who": r"\b(assistant|program|model|machine)\b",
    "human": r"\b(program|machine|model|assistant|no)\b",
    "skills": r"\b(commands?|files|shell)\b",
    "goodbye": r"\b(bye|goodbye|see you|good night)\b",
    "joke": r"\bjokes?\b",
}
