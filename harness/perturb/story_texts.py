"""Word problems of this project, by their calculation: for questions whose own words cannot be given other numbers.

Each has a name, a calculation over letters, and a text with these letters. `{name}` and `{friend}` are people, `p` is a
per cent. Every number of the calculation is in the text, once, as a numeral.
"""

from __future__ import annotations

from dataclasses import dataclass

PEOPLE = (
    "Aziza", "Bjorn", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hiro", "Imani", "Jonas", "Kamal", "Lucia",
    "Malik", "Noor", "Oskar", "Priya", "Quentin", "Rosa", "Samir", "Tessa", "Umar", "Vera", "Wanda", "Yusuf",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Story:
    """One word problem: the answer is the value of `calculation`.

    All that the text tells of is a step of it, since numbers are drawn so that every step is positive: a weight of
    `a - b` grams is `(a-b)`.
    """

    name: str
    calculation: str
    text: str


# ruff: noqa: E501
STORIES = (
    # --- one operation
    Story("post", "a+b", "The post office delivers {a} letters in the morning and {b} letters in the afternoon. How many letters does it deliver that day?"),
    Story("hives", "a+b", "{name} counts {a} bees at one hive and {b} bees at another. How many bees does {name} count in all?"),
    Story("wire", "a-b", "A roll holds {a} meters of wire. An electrician cuts {b} meters from it. How many meters stay on the roll?"),
    Story("seats", "a-b", "A theater has {a} seats, and {b} of them are sold. How many seats are not sold?"),
    Story("tiles", "a*b", "A floor has {a} rows of tiles with {b} tiles in every row. How many tiles does the floor have?"),
    Story("lamps", "a*b", "{a} streets get {b} new lamps each. How many new lamps is that?"),
    Story("teams", "a/b", "{a} players are put into teams of {b}. How many teams are there?"),
    Story("rope", "a/b", "{name} cuts a rope of {a} centimeters into {b} pieces of the same length. How many centimeters long is a piece?"),
    # --- sums and differences
    Story("orchard", "a+b+c", "An orchard has {a} apple trees, {b} pear trees and {c} cherry trees. How many trees does it have?"),
    Story("museum", "a+b+c", "A museum had {a} visitors on Friday, {b} on Saturday and {c} on Sunday. How many visitors did it have on these days?"),
    Story("ferry", "a+b-c", "{a} people are on a ferry. At the first stop {b} people board, and {c} leave. How many people are on the ferry then?"),
    Story("purse", "a+b-c", "{name} has ${a} and earns ${b}. Then {name} spends ${c}. How many dollars are left?"),
    Story("tank", "a-b-c", "A tank holds {a} liters of oil. {b} liters are sold on one day and {c} liters on the next. How many liters remain?"),
    Story("deck", "a-b-c", "{name} owns {a} comics, gives {b} of them to {friend} and sells {c}. How many comics does {name} still own?"),
    Story("voters", "a-b-c-d", "Of {a} voters, {b} chose the first list, {c} the second and {d} the third. The others stayed at home. How many stayed at home?"),
    Story("flour", "a+b-c-d", "A bakery has {a} kilos of flour and buys {b} more. It uses {c} kilos for bread and {d} for cakes. How many kilos are left?"),
    Story("choir", "a+b+c-d", "A choir has {a} high voices, {b} middle voices and {c} low voices. {d} singers are ill. How many can sing?"),
    Story("twocats", "a+(a-b)", "One cat weighs {a} grams, and another weighs {b} grams less than that. How many grams do both weigh together?"),
    Story("tworuns", "a+a+b", "On Monday {name} runs {a} laps, on Tuesday {b} laps more than on Monday. How many laps is that on both days?"),
    Story("rest", "a-b-b", "A barrel holds {a} liters. In the morning and again in the evening, {b} liters are taken out. How many liters are left?"),
    Story("balance", "a+b+c+d", "{name} pays ${a} for paint, ${b} for brushes, ${c} for paper and ${d} for a frame. How many dollars does {name} pay in all?"),
    # --- products and quotients
    Story("crates", "a*b*c", "A ship carries {a} stacks of {b} crates, and every crate holds {c} melons. How many melons does the ship carry?"),
    Story("printers", "a*b*c", "{a} printers print {b} pages on each of {c} days. How many pages do they print in all?"),
    Story("pallets", "a*b*c*d", "A store has {a} halls with {b} shelves each. On a shelf are {c} boxes with {d} cups in each. How many cups are in the store?"),
    Story("baskets", "a*b/c", "{name} fills {a} baskets with {b} plums each. All of them are then divided among {c} families. How many plums does each family get?"),
    Story("recipe", "a*b/c", "{name} has {a} packs of {b} batteries. A toy needs {c} batteries. How many toys can {name} fit with batteries?"),
    Story("bottles", "a*b*c/d", "{a} machines fill {b} bottles an hour. They work for {c} hours, and all bottles go into cases of {d}. How many cases are filled?"),
    Story("chapters", "a/b/c", "{a} pages are divided among {b} students. Each reads {c} pages a day. How many days does it take?"),
    Story("sand", "a*b/c/d", "{a} trucks bring {b} kilos of sand each. It is spread over {c} yards, and in each yard over {d} boxes. How many kilos are in a box?"),
    Story("coaches", "a*b*c*d/e", "{a} schools send {b} classes with {c} groups of {d} children. They ride in buses with {e} children each. How many buses are needed?"),
    Story("pay", "(a-b)*c/d", "Of {a} workers, {b} go home. The others make {c} bricks each, and the bricks are loaded on {d} carts, all with the same number. How many bricks are on a cart?"),
    # --- a product and a sum or a difference
    Story("taxi", "a*b+c", "A taxi asks ${a} for a kilometer and ${c} for the luggage. {name} rides {b} kilometers with luggage. How many dollars does the ride cost?"),
    Story("beads", "a*b+c", "{name} has {a} boxes of {b} beads and {c} loose beads. How many beads does {name} have?"),
    Story("nails", "a*b-c", "{name} buys {a} bags of {b} nails and uses {c} nails. How many nails are left?"),
    Story("stall", "a*b-c", "{name} sells {a} scarves for ${b} each and pays ${c} for the stall. How many dollars does {name} keep?"),
    Story("ticket", "a-b*c", "{name} has ${a} and buys {b} tickets for ${c} each. How many dollars does {name} have afterwards?"),
    Story("thread", "a-b*c", "A spool has {a} meters of thread. {b} shirts take {c} meters each. How many meters are left on the spool?"),
    Story("herd", "a*b+a", "{name} has {a} goats. {friend} has {b} times as many goats as {name}. How many goats do the two have together?"),
    Story("snow", "a*b-a", "In December {a} centimeters of snow fell, and in January {b} times as much. How many centimeters more fell in January than in December?"),
    Story("harvest", "a*b+a*b*c", "On the first day {a} pickers fill {b} buckets each. On the second day they fill {c} times as many buckets as on the first. How many buckets do they fill on both days?"),
    Story("concert", "a*b*c-d", "A hall has {a} blocks with {b} rows of {c} chairs. {d} chairs are broken. How many chairs can be used?"),
    Story("library", "a*b*c+d", "A library has {a} rooms with {b} shelves of {c} books, and {d} books on tables. How many books does it have?"),
    Story("cafe", "a*b+c*d", "A cafe sells {a} teas for ${b} each and {c} pies for ${d} each. How many dollars does it take in?"),
    Story("fields", "a*b+c*d", "One field has {a} rows of {b} plants, another has {c} rows of {d} plants. How many plants do both fields have?"),
    Story("wages", "a*b-c*d", "{name} works {a} hours for ${b} an hour, and {friend} works {c} hours for ${d} an hour. How many dollars more does {name} earn than {friend}?"),
    Story("fruitshop", "a*b+c*d+e", "{name} buys {a} kilos of grapes at ${b} a kilo, {c} kilos of nuts at ${d} a kilo, and a bag for ${e}. How many dollars does {name} pay?"),
    Story("market", "a*b+c*d+e*f", "{name} sells {a} pots for ${b} each, {c} vases for ${d} each and {e} bowls for ${f} each. How many dollars does {name} get?"),
    Story("change", "a-b*c-d*e", "{name} pays with ${a} for {b} pens at ${c} each and {d} folders at ${e} each. How many dollars does {name} get back?"),
    Story("voyage", "a-b*c-d", "A ship has {a} tons of coal. It burns {b} tons a day for {c} days, and then {d} tons are sold. How many tons are left?"),
    Story("bakery", "a*b+c-d", "A baker makes {a} trays of {b} rolls, gets {c} rolls from another baker and sells {d}. How many rolls are left?"),
    Story("trip", "a*b+c+d", "A hotel costs ${a} a night. {name} stays {b} nights and pays ${c} for meals and ${d} for the train. How many dollars does {name} pay?"),
    Story("stock", "a*b-c-d", "A shop gets {a} boxes of {b} candles. {c} candles are broken and {d} are sold. How many candles are left?"),
    Story("prices", "a*b+a*c", "A ticket costs ${a}. {name} buys {b} tickets and {friend} buys {c}. How many dollars do they pay together?"),
    Story("lead", "a*b-a*c", "Every lap has {a} meters. {name} runs {b} laps and {friend} runs {c} laps. How many meters more does {name} run than {friend}?"),
    # --- a sum or a difference, then a product or a quotient
    Story("cleaners", "(a+b)*c", "{a} women and {b} men work in a hotel. Each cleans {c} rooms. How many rooms do they clean?"),
    Story("mugs", "(a+b)*c", "{name} makes {a} red mugs and {b} blue mugs and sells each for ${c}. How many dollars does {name} get?"),
    Story("crew", "(a-b)*c", "A crew has {a} sailors, of whom {b} are on land. Each of the others gets {c} biscuits. How many biscuits are given out?"),
    Story("kites", "(a+b+c)*d", "{name} makes {a} kites in May, {b} in June and {c} in July, and sells them for ${d} each. How many dollars does {name} get?"),
    Story("gift", "(a+b)/c", "A present costs ${a} and its wrapping ${b}. {c} friends share the cost equally. How many dollars does each pay?"),
    Story("shells", "(a-b)/c", "{name} finds {a} shells, throws {b} back and divides the others equally among {c} children. How many shells does each child get?"),
    Story("mean", "(a+b+c)/d", "{name} picks {a} figs, {friend} picks {b}, and they buy {c} more. They pack all of them into bags of {d}. How many bags do they fill?"),
    Story("savings", "(a-b*c)/d", "{name} needs ${a}. {name} has saved ${b} a week for {c} weeks and wants to save the rest in {d} equal parts. How many dollars is each part?"),
    Story("pumps", "a/(b+c)", "A pool holds {a} liters. One pump moves {b} liters a minute and another {c} liters a minute. How many minutes do both pumps together need to empty it?"),
    Story("leak", "a/(b-c)", "A pump brings {b} liters a minute into a tank of {a} liters, and {c} liters a minute leak out. How many minutes does it take to fill the empty tank?"),
    Story("bundle", "((a*b)+(c*d))/e", "{name} has {a} boxes of {b} red pins and {c} boxes of {d} white pins. All pins are packed in bags of {e}. How many bags are there?"),
    Story("relay", "((a+b)*c)+a+b", "In one hall sit {a} adults and {b} children. In a second hall sit {c} times as many people. How many people sit in both halls?"),
    # --- a quotient and a sum or a difference
    Story("sheets", "a/b+c", "{name} divides {a} sheets equally among {b} folders and then puts {c} more into one of them. How many sheets are in that folder?"),
    Story("wages-tax", "a/b-c", "{b} brothers share ${a} equally. One of them spends ${c} of his share. How many dollars does he have left?"),
    Story("fleet", "a/b+a", "A port has {a} boats. The next port has that number divided by {b}. How many boats do the two ports have?"),
    Story("melt", "a-a/b", "A block of ice weighs {a} grams. One part of {b} equal parts melts. How many grams of ice are left?"),
    Story("melt-more", "a-a/b-c", "{name} has {a} stamps. {name} gives one of {b} equal parts of them to {friend} and then loses {c} stamps. How many are left?"),
    Story("mixing", "a*b/c+d", "{name} melts {a} bars of {b} grams of wax, pours them into {c} equal candles and adds {d} grams of wax to one. How many grams does this candle weigh?"),
    Story("mixed-less", "a*b/c-d", "{a} fishers catch {b} fish each and divide all of them among {c} villages. One village sells {d} of its fish. How many has it left?"),
    Story("barn", "a-b*c/d", "A barn has {a} sacks. {b} carts with {c} bundles each are unloaded, and for every {d} bundles a sack is taken away. How many sacks remain?"),
    Story("third-part", "a-a*b/c", "{name} cuts a cord of {a} centimeters into {c} equal parts and throws {b} of these parts away. How many centimeters are left?"),
    # --- per cents
    Story("pupils", "a*p/100", "A school has {a} pupils, and {p}% of them come by bike. How many come by bike?"),
    Story("salt", "a*p/100", "A sack holds {a} grams of a mixture, of which {p}% is salt. How many grams of salt are in the sack?"),
    Story("sale", "a-a*p/100", "A coat costs ${a}. In a sale it is {p}% cheaper. How many dollars does it cost then?"),
    Story("rise", "a+a*p/100", "Last year a club had {a} members. Since then their number has grown by {p}%. How many members does the club have now?"),
)  # fmt: skip
