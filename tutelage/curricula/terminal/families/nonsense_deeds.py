"""Nonsense about what files do not do."""

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
        do {file} and {other} love each other?
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
        i want to hear a song that {file} sings
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
        when does {file} go to bed?
        """,
    ),
    define(
        "nonsense",
        "fly",
        "file:any",
        "yo be real: files do not fly.",
        """
        send {file} to the moon
        let {file} fly over the house
        how high can {file} fly?
        give {file} wings
        i want {file} to take off from the roof at noon
        throw {file} into the air and let it glide to the next town
        did {file} land safely in paris?
        tie {file} to a balloon and let it float up to the clouds
        could {file} cross the ocean by flapping its ears?
        shoot {file} into orbit around mars
        how many hours was {file} up in the sky?
        attach a propeller to {file} so it can hover
        is {file} faster than an eagle in flight?
        {file} needs a parachute before it jumps out of the plane
        i wonder when {file} will be back from outer space
        clear the runway, {file} is about to land
        please let {file} circle above the tower twice
        would you teach {file} how to fly south with the geese?
        put {file} on a rocket and start the countdown
        pilot {file} through the clouds at high speed
        """,
        """
        could {file} fly to the moon?
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
        i want to taste {file} for dinner
        """,
    ),
    define(
        "nonsense",
        "dance",
        "dir:folder",
        "yo be real: folders can not dance.",
        """
        dance with the folder {dir}
        teach the folder {dir} to dance
        can the folder {dir} dance a waltz?
        let the directory {dir} jump for joy
        i want to see {dir} do the tango
        could the folder {dir} learn ballet by friday?
        twirl {dir} around on the dance floor
        is the directory {dir} any good at salsa?
        ask {dir} for the next dance
        the folder {dir} has two left feet, give it a dancing lesson
        let {dir} tap dance on the table
        which dance steps does the folder {dir} know?
        would the directory {dir} like to waltz with me tonight?
        enter {dir} in the dance contest
        make the folder {dir} shake its hips to the beat
        i wonder if {dir} prefers hip hop or ballet
        time for the directory {dir} to show us its best moves at the disco
        please get {dir} to hop around on one leg
        who was dancing with the folder {dir} all night?
        choreograph a polka for {dir}
        """,
        """
        i want to see how the folder {dir} dances
        """,
    ),
    define(
        "nonsense",
        "friends",
        "file:any",
        "yo be real: files have no family.",
        """
        who is the mother of {file}?
        invite the brothers of {file}
        how old are the children of {file}?
        does {file} look like its father?
        i want to meet the grandparents of {file}
        does {file} have any sisters?
        draw the family tree of {file}
        which uncle did {file} inherit its nose from?
        could you introduce me to the cousins of {file}?
        send a christmas card to the parents of {file}
        is {file} an only child?
        the aunt of {file} is coming to visit, let her in
        how many of the grandchildren of {file} are boys?
        i wonder whether {file} has a twin brother
        please call the daughter of {file} on the phone
        who raised {file} after its parents left?
        find the long lost son of {file}
        let me talk to the stepmother of {file}
        has {file} become a grandfather yet?
        adopt {file} into my family as a little brother
        """,
        """
        who are the mother and the father of {file}?
        """,
    ),
    define(
        "nonsense",
        "vote",
        "file:any",
        "yo be real: files do not vote.",
        """
        which party did {file} vote for?
        take {file} to the ballot box on sunday
        i want {file} to become the next president
        register {file} as a voter
        could {file} win a seat in parliament?
        persuade {file} to vote for my candidate
        how did {file} do in the last election?
        let {file} run for mayor
        please give {file} a ballot paper and a pen
        {file} should be elected king of the office, start the campaign
        i wonder if {file} leans left or right in elections
        has {file} cast its vote yet?
        make a campaign poster for {file}, our future senator
        who will be the running mate of {file}?
        stop {file} from voting twice
        we need {file} at the polling station before six
        would {file} accept the post of prime minister?
        """,
        """
        is {file} old enough to vote?
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
        who beat {file} at table tennis?
        """,
    ),
    define(
        "nonsense",
        "drive",
        "file:any",
        "yo be real: files can not drive.",
        """
        let {file} drive the car to the airport
        does {file} have a driving licence?
        i want {file} to park the van behind the house
        how fast was {file} driving when the police stopped it?
        teach {file} to ride a bicycle
        could {file} give me a lift to work?
        {file} got a parking ticket, pay it
        is {file} a safe driver?
        please tell {file} to brake before the bend
        which lorry did {file} overtake on the motorway?
        send {file} to refuel the bus
        has {file} passed its driving test?
        put {file} behind the wheel of a racing car
        i wonder why {file} crashed the motorbike into a tree
        would {file} pick me up by taxi at eight?
        sit next to {file} while it steers the truck
        fasten the seat belt of {file} before it drives off
        """,
        """
        hand the car keys to {file}
        """,
    ),
    define(
        "nonsense",
        "holiday",
        "dir:folder",
        "yo be real: folders do not go on holiday.",
        """
        book a hotel room for the folder {dir}
        did the directory {dir} enjoy its holiday in italy?
        i want the folder {dir} to relax on an island in the pacific
        pack a suitcase for the directory {dir}
        could the folder {dir} send me a postcard from rome?
        {dir} needs a passport for its trip to japan
        let the directory {dir} go camping with the scouts
        is the folder {dir} on a cruise at the moment?
        please put sun cream on {dir} before it lies on the beach
        buy the directory {dir} a souvenir in london
        which countries has the folder {dir} visited as a tourist?
        i wonder if {dir} has jet lag after its flight home
        show me the holiday photos the directory {dir} took in spain
        find a tour guide for the folder {dir} in athens
        would {dir} rather spend its vacation skiing or sunbathing?
        give the folder {dir} three weeks of leave, it has worked hard
        """,
        """
        when does {dir} come back from its vacation?
        take {dir} to the beach for two weeks
        """,
    ),
    define(
        "nonsense",
        "prison",
        "file:any",
        "yo be real: files do not go to prison.",
        """
        arrest {file} in the name of the law
        how many years in jail did {file} get?
        put handcuffs on {file}
        is {file} guilty of murder?
        i want {file} behind bars for bank robbery
        find a good lawyer for {file}
        let {file} out on bail
        {file} escaped from prison, catch it
        visit {file} in its cell on sunday
        which crime did {file} commit?
        please take the fingerprints of {file} at the police station
        i wonder if {file} robbed the jewellery shop
        did {file} confess to the burglary?
        call {file} as a witness in court
        release {file} early for good behaviour behind bars
        how long until {file} gets parole?
        """,
        """
        sentence {file} to life in prison
        could you read {file} its rights?
        """,
    ),
)
