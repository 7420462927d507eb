"""Nonsense about what files do not have and are not."""

from tutelage.curricula.terminal.family import define

FAMILIES = (
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
        does {file} have any space left for {thing}?
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
        which smell does the file {file} have?
        """,
    ),
    define(
        "nonsense",
        "colour",
        "file:any",
        "yo be real: files have no colour.",
        """
        paint {file} with green stripes
        what colour is {file}?
        make {file} look more pink
        is {file} more pink or more beige?
        dye {file} deep purple, please
        i would like {file} in a warmer shade of yellow
        is {file} blue on the inside too?
        the paint on {file} is fading, add a new coat of red
        could you give {file} some orange dots?
        help me choose a tint that suits {file}
        why did {file} turn green overnight?
        brush gold paint over {file}
        does the colour of {file} go well with my curtains?
        {file} looks pale, make it brown
        let me see {file} in turquoise instead of grey
        which crayon was used to colour {file}?
        bleach {file} until it is as white as snow
        i wonder whether {file} is violet or rather magenta
        wrap {file} in all the colours of the rainbow
        next, varnish {file} in a dull olive tone
        """,
        """
        which colour does {file} have, pink or green?
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
        how sad does {file} feel today?
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
        what is the weather like in the folder {dir}?
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
        show me {file} as it will be next year
        """,
    ),
    define(
        "nonsense",
        "thoughts",
        "file:any",
        "yo be real: files do not think.",
        """
        what is {file} thinking about?
        ask {file} what it thinks of me
        read the mind of {file}
        does {file} believe in ghosts?
        i would love to know the opinion of {file} about politics
        what goes on in the head of {file} when nobody looks?
        could you convince {file} that i am right?
        does {file} remember its first day at school?
        has {file} made up its mind yet?
        discuss philosophy with {file} for a while
        is {file} clever enough to play chess?
        let {file} think it over until monday
        what is the favourite idea of {file}?
        {file} keeps changing its mind, ask why
        i wonder if {file} understands the meaning of life
        find out whether {file} agrees with my plan
        please explain the theory of {file} about the universe
        how intelligent is {file} compared with my neighbour?
        help {file} decide what it believes in
        tell me what {file} secretly suspects
        """,
        """
        what does {file} think about ghosts?
        """,
    ),
    define(
        "nonsense",
        "money",
        "file:any",
        "yo be real: files have no money.",
        """
        how much cash does {file} carry in its pocket?
        lend {file} twenty dollars until payday
        is {file} rich or poor?
        ask {file} to pay me back
        did {file} win the lottery?
        i want {file} to buy the next round of beer
        please check the credit card of {file}
        {file} still owes me ten euros, get them back
        help {file} with its tax return
        could you raise the salary of {file}?
        put some coins in the purse of {file}
        find out if {file} can afford a new house
        borrow fifty bucks from {file}
        i wonder how {file} became a millionaire
        let {file} pay the bill at the restaurant
        has {file} saved enough for its pension?
        """,
        """
        what does {file} spend its pocket money on?
        open a bank account for {file}
        """,
    ),
    define(
        "nonsense",
        "clothes",
        "file:any",
        "yo be real: files wear no clothes.",
        """
        what shirt is {file} wearing today?
        knit a pair of socks for {file}
        does {file} look good in a hat?
        i want {file} in a black suit for the party
        zip up the jacket of {file}
        which shoe size does {file} need?
        could you iron the trousers of {file}?
        {file} is naked, give it something to wear
        tie the shoelaces of {file}
        please lend {file} your gloves, it is cold
        wash the underwear of {file} at sixty degrees
        i wonder who chose that ugly sweater for {file}
        let {file} try on the blue jeans
        sew a hole in the sleeve of {file}
        has {file} lost its belt again?
        help {file} to pick an outfit for the ball
        """,
        """
        is that a new dress {file} has on?
        put a warm coat on {file}
        """,
    ),
    define(
        "nonsense",
        "sick",
        "file:any",
        "yo be real: files do not fall ill.",
        """
        has {file} caught a cold?
        take the temperature of {file}, it looks feverish
        give {file} some cough medicine
        i want {file} to see a nurse at once
        call an ambulance for {file}
        is {file} allergic to nuts?
        put a bandage on the knee of {file}
        when will {file} get over the flu?
        {file} keeps sneezing, hand it a tissue
        could you cure the headache of {file}?
        does {file} have measles or chickenpox?
        i wonder whether {file} has a sore throat
        give {file} an injection against tetanus
        let {file} stay at home until its stomach ache is gone
        how high is the blood pressure of {file}?
        send {file} flowers, it is recovering from an operation
        pull the rotten tooth of {file}
        """,
        """
        please bring {file} to the hospital
        """,
    ),
    define(
        "nonsense",
        "body",
        "file:any",
        "yo be real: files have no body.",
        """
        how many fingers are on the left hand of {file}?
        cut the hair of {file}
        scratch the back of {file}, it itches
        can {file} touch its toes with both hands?
        brush the teeth of {file}
        is the nose of {file} longer than mine?
        shave the beard of {file}
        could you tickle {file} under its arms?
        please massage the shoulders of {file}
        {file} needs a haircut before the weekend
        trim the toenails of {file}
        let {file} stick out its tongue
        i wonder how {file} got that scar on its chin
        pinch the cheeks of {file}
        which ear of {file} has the ring in it?
        listen to the heartbeat of {file}
        """,
        """
        does {file} have big feet?
        i want to shake hands with {file}
        """,
    ),
)
