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
        morning, my good old computer
        good evening to you
        have a good day
        good afternoon, my dear assistant
        a lovely morning to you
        what a fine day, good morning
        i wish you a pleasant evening
        good day to you and yours
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
        i am called {person}
        hello computer, my name is {person}
        you can call me {person}
        let me introduce myself, i am {person}
        it is me, {person}
        nice to meet you, i am {person}
        you are talking to {person} now
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
        excellent work, my friend
        you did that really well
        wow, that was fast
        i am very happy with your work
        you are the best
        nice one
        that is exactly what i wanted, perfect
        what a clever assistant you are
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
        i apologise
        oops, that was my fault
        please forgive me
        pardon me for that
        i made a mistake, sorry
        sorry for the trouble
        my bad
        i did not mean to do that, forgive me
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
        are you some sort of robot?
        is there a human behind this?
        are you a man or a woman?
        do you live and breathe like me?
        you are not a real person, are you?
        am i chatting with somebody of flesh and blood?
        were you born or built?
        i wonder if you are a living being
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
