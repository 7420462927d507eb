"""Nonsense, and the one sentence that each piece of it deserves (as a family's command)."""

from tutelage.curricula.terminal.family import define

FAMILIES = (
    define(
        "nonsense",
        "marry",
        "file:any other:any",
        "yo be real: files do not marry.",
        """
        ask {file} to marry {other}
        is {file} in love with {other}?
        plan the marriage of {file} and {other}
        when will {file} and {other} marry?
        i want {file} to become the husband of {other}
        would {other} make a good wife for {file}?
        buy a wedding ring so that {file} can propose to {other}
        is there a way to get {file} and {other} to fall in love?
        {file} and {other} should stop kissing in public
        help me write the wedding vows of {file} for {other}
        when did {file} divorce {other}?
        send out invitations for the wedding of {file} with {other}
        how long have {other} and {file} been engaged?
        set {file} up on a romantic date with {other}
        just declare {file} and {other} husband and wife
        did {file} cry when {other} said yes at the church?
        i think {file} has a crush on {other}, please tell nobody
        where will {file} and {other} spend their honeymoon?
        pick a white wedding dress for {file}, the groom is {other}
        we need a priest for {file} and {other} this saturday
        """,
        """
        i think {file} is in love with {other}
        please hold a wedding for {file} and {other}
        """,
    ),
    define(
        "nonsense",
        "sing",
        "file:any",
        "yo be real: files can not sing.",
        """
        teach {file} to sing
        let {file} sing me a song
        can {file} sing in the shower?
        make {file} hum a tune
        i want to hear {file} whistle a cheerful melody
        would {file} join our choir as a tenor?
        could you get {file} to sing happy birthday to my sister?
        which song does {file} sing best?
        let me hear the voice of {file} in a slow ballad
        sign {file} up for singing lessons
        {file} is singing out of tune again, stop it
        is {file} a soprano or an alto?
        record an album with {file} as the lead singer
        tonight {file} shall perform a love song on stage
        i wonder if {file} can reach the high notes
        please have {file} yodel from the rooftop
        sing a duet with {file}
        time to rehearse the christmas carols with {file}
        why does {file} always hum while i work?
        does {file} know the words of the national anthem well enough to sing it?
        """,
        """
        can {file} sing a song for me
        ask {file} to sing something nice
        """,
    ),
    define(
        "nonsense",
        "sleep",
        "file:any",
        "yo be real: files do not sleep.",
        """
        wake {file} up gently
        is {file} sleeping well?
        put {file} to bed
        tell {file} a bedtime story
        switch the light off, {file} is tired and needs rest
        how many hours did {file} sleep last night?
        tuck {file} in under a warm blanket
        hush, {file} has only just dozed off
        does {file} snore?
        set an alarm so that {file} gets out of bed at seven
        what did {file} dream about last night?
        buy {file} a softer pillow
        i wonder why {file} is still awake at midnight
        let {file} rest its eyes for an hour
        {file} has insomnia, what can we do?
        please stop {file} from sleepwalking
        is {file} a night owl or an early riser?
        give {file} its pyjamas and turn off the light
        shake {file} hard, it overslept again
        time for {file} to take its afternoon nap
        """,
        """
        is {file} tired and ready for bed
        please let {file} sleep until the morning
        """,
    ),
    define(
        "nonsense",
        "eat",
        "file:any",
        "yo be real: nobody can eat a file.",
        """
        cook {file} with a little pepper
        how does {file} taste?
        bake {file} for twenty minutes
        serve {file} for dinner
        i want {file} fried with onions
        could you pass me a slice of {file}?
        is {file} still fresh enough for breakfast?
        spread some butter on {file} and hand it to me
        grill {file} on both sides until it is crispy
        how many calories are in a bite of {file}?
        stir {file} into the soup and let it simmer
        {file} needs more salt, do you not think?
        which wine goes well with {file}?
        boil {file} for five minutes and peel it afterwards
        i am hungry, can i have {file} for lunch?
        just chew {file} slowly and swallow it
        roast {file} in the oven with garlic and potatoes
        let me lick the chocolate off {file}
        please put {file} between two pieces of bread
        what sauce should i pour over a steaming plate of {file}?
        """,
        """
        what does {file} want to eat for dinner
        i think {file} is hungry, give it some bread
        """,
    ),
    define(
        "nonsense",
        "sports",
        "file:any",
        "yo be real: files do not play sports.",
        """
        play tennis with {file}
        how many goals did {file} score on saturday?
        let {file} swim ten laps in the pool
        i want {file} as goalkeeper in our football team
        can {file} do fifty push ups?
        sign {file} up for the marathon
        is {file} better at golf or at hockey?
        challenge {file} to a boxing match
        {file} won a gold medal, hang it on the wall
        please throw the ball to {file}
        could you coach {file} for the olympics?
        take {file} skiing next weekend
        i wonder how fast {file} can run the hundred metres
        send {file} off the field, that was a foul
        buy {file} a pair of skates for ice hockey
        would {file} like to join my rugby club?
        time for {file} to lift some weights in the gym
        """,
        """
        does {file} play football on the weekend
        teach {file} how to swim and play tennis
        """,
    ),
    define(
        "nonsense",
        "hold",
        "file:any thing",
        "yo be real: files do not hold {thing}.",
        """
        how many {thing} fit in {file}?
        fill {file} with {thing}, please
        count the {thing} that live in {file}
        are there any {thing} hiding in {file}?
        take the {thing} out of {file}
        i want to keep my {thing} inside {file} over the winter
        could you squeeze a few more {thing} into {file}?
        let me see the {thing} that crawled into {file} last night
        what is the best way to store {thing} in {file} without breaking them?
        shake {file} until all the {thing} fall out
        somebody has stuffed {file} full of {thing}, please empty it
        is there still some room in {file} for three fat {thing}?
        i wonder who left those {thing} lying around in {file}
        pour a bucket of {thing} into {file}
        {file} is overflowing with {thing}, what now?
        pack the {thing} neatly into {file} and close the lid
        catch the {thing} running around inside {file}
        would {file} burst if i pushed ten {thing} into it?
        please feed the {thing} that are trapped in {file}
        dig in {file} for buried {thing}
        next, load {file} with fresh {thing} from the market
        """,
        """
        how many {thing} can fit inside {file}
        tell me the number of {thing} that {file} has room for
        """,
    ),
    define(
        "nonsense",
        "smell",
        "file:any",
        "yo be real: files have no smell.",
        """
        what does {file} smell like?
        make {file} smell of roses
        does {file} stink today?
        give {file} a nice smell
        i wonder why {file} smells so strongly of fish
        spray some perfume on {file}
        could you sniff at {file} and tell me if it has gone bad?
        get rid of the awful stench of {file}
        can i have {file} with a hint of vanilla in the air?
        hold your nose, {file} reeks of old socks
        what perfume is {file} wearing?
        which one of us noticed the odour of {file} first?
        please wash {file}, it stinks of smoke
        i love the scent of {file} in the morning
        describe the aroma of {file} to me
        is that funny smell coming from {file}?
        we need to make {file} smell fresh before the guests arrive
        put my nose close to {file} and let me breathe in its fragrance
        rank how bad {file} smells from one to ten
        let {file} air out by the window until the stink is gone
        """,
        """
        tell me if {file} smells good today
        is {file} the one that smells like old fish
        """,
    ),
    define(
        "nonsense",
        "feel",
        "file:any",
        "yo be real: files have no feelings.",
        """
        cheer {file} up, it looks sad
        why is {file} so angry with me?
        does {file} feel alone?
        say sorry to {file}, it is hurt
        i think {file} is jealous, give it a hug
        what would make {file} happy again?
        comfort {file}, it has been crying all day
        is {file} afraid of spiders?
        tell {file} that i love it with all my heart
        could you calm {file} down before it panics?
        {file} seems bored, please entertain it
        did i offend {file} with my bad mood?
        how proud is {file} of its success?
        find out if {file} still bears a grudge against me
        please be gentle with {file}, it is very shy
        i wonder what makes {file} so nervous these days
        has {file} forgiven me yet?
        hold the hand of {file} until its grief is over
        let me see {file} smile for once
        does it embarrass {file} when everybody stares?
        """,
        """
        is {file} happy or sad today
        why is {file} in such a bad mood
        """,
    ),
    define(
        "nonsense",
        "weather",
        "dir:folder",
        "yo be real: folders have no weather.",
        """
        will it rain in the folder {dir}?
        how warm is it inside {dir} today?
        is it snowing in the directory {dir}?
        make the sun shine in {dir}
        i wonder if i need an umbrella in {dir} this afternoon
        what is the forecast for the folder {dir} this weekend?
        clear the fog out of the directory {dir}
        how strong is the wind blowing through {dir}?
        stop the rain in the folder {dir}, i am getting wet
        let it snow in {dir} until christmas
        are there any clouds over the directory {dir} right now?
        turn up the temperature outside in {dir} by ten degrees
        is a storm coming towards the folder {dir}?
        could you send some lightning into {dir}?
        shovel the snow away from the entrance of the directory {dir}
        was there frost in {dir} last night?
        the folder {dir} has been hit by hail, is it bad?
        give {dir} a rainbow after the shower
        i would like clear blue skies above the directory {dir} today
        when does the rainy season begin in the folder {dir}?
        """,
        """
        what is the weather like in {dir}
        is it warm and is there wind in {dir} today
        """,
    ),
    define(
        "nonsense",
        "tomorrow",
        "file:any",
        "yo be real: nobody knows tomorrow.",
        """
        sort {file} by what happens tomorrow
        print the lines that {file} will have next year
        what will {file} say in a hundred years?
        count the words somebody writes into {file} tomorrow
        show me what {file} is going to contain in the year 3000
        who will edit {file} a week from now?
        i want the version of {file} that will be written next summer
        could you predict the final line of {file} ten years ahead?
        list the errors people will make in {file} next month
        how big is {file} going to be on my hundredth birthday?
        compare {file} with how it looks the day after tomorrow
        travel ahead in time and read me {file} as of next friday
        i wonder which words get added to {file} next christmas
        restore {file} from the backup that we will make in five years
        print {file} the way it will read once i am old
        tell me the fate of {file} in the coming century
        is {file} going to be famous some day?
        remove from {file} every line that nobody will need in future
        fetch the changes my boss will have made to {file} by next week
        what does the future have in store for {file}?
        """,
        """
        where does {file} want to be next year
        tell me today what {file} will look like tomorrow
        """,
    ),
)
