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
        hi again, my friend
        hello, it is me
        hey you, nice that you are here
        nice to meet you
        howdy, partner
        hello computer, i am back
        a warm welcome to you
        hi, is anybody at home?
        """,
        """
        hello there, nice to see you
        good morning to you, assistant
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
        i am called {person}
        hello computer, my name is {person}
        you can call me {person}
        let me introduce myself, i am {person}
        it is me, {person}
        nice to meet you, i am {person}
        you are talking to {person} now
        """,
        """
        i am {person}, nice to meet you
        good to see you, {person} is my name
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
        how do you feel today?
        is everything fine with you?
        how have you been lately?
        are you doing well at the moment?
        how are things with you these days?
        i hope you are well today, are you?
        what is up with you today?
        how is life treating you?
        """,
        """
        i hope you are fine, how is it going
        tell me how you are doing
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
        thank you ever so much for this
        i am very grateful to you
        thanks, that helped me
        much appreciated
        i owe you my thanks
        you have been a great help, thanks
        ok, thank you for that
        cheers, thanks for everything
        """,
        """
        thank you very much for that
        that was a great help, thanks
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
        who am i talking to?
        what kind of program are you?
        do you go by a name?
        please introduce yourself
        by which name should i call you?
        what do people call you?
        i would like to know who you are
        and you are?
        """,
        """
        who are you, if i may ask
        please tell me what your name is
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
        what do you know how to do?
        what kind of tasks do you understand?
        show me what you are able to do
        which things can i ask you for?
        i need some help, what do you offer?
        what jobs do you take on for people?
        how do i use you?
        tell me what you can help with
        """,
        """
        tell me which things you are able to help with
        i would like to know what you are good at
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
        farewell, dear machine
        so long, my friend
        that is all for today, bye
        i am leaving now
        until next time
        i will see you again soon
        have a nice evening, i am off
        talk to you another day
        """,
        """
        goodbye and see you tomorrow
        that is all for today, good night
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
        do you know anything funny?
        i want to hear a good joke
        cheer me up with a joke
        can you be funny?
        another joke, please
        let us hear a funny story
        what is the funniest joke you know?
        i could use a laugh, tell me one
        """,
        """
        please tell me a funny joke
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
