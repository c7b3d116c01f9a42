"""Given names that word problems use, by the pronouns that go with them. Not complete: a name that is missing stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Kind = Literal["she", "he", "either"]

SHE = (
    "Abigail Ada Adriana Alice Alicia Amanda Amelia Amy Ana Andrea Angela Angelina Anita Ann Anna Anne Annie Aria "
    "Ariana Ashley Audrey Ava Barbara Beatrice Becky Bella Beth Bethany Betty Brenda Brianna Bridget Brittany Camila "
    "Candice Carla Carly Carmen Carol Caroline Carolyn Catherine Cecilia Charlotte Chloe Christina Cindy Claire Clara "
    "Courtney Crystal Cynthia Daisy Dana Daniela Danielle Darlene Deborah Debra Delilah Denise Diana Diane Donna "
    "Dora Doris Dorothy Edith Elaine Eleanor Elena Eliza Elizabeth Ella Ellen Ellie Elsa Emilia Emily Emma Erica Erin "
    "Esther Eva Eve Evelyn Faith Felicia Fiona Florence Frances Gabriella Gail Georgia Gina Gloria Grace Greta Gwen "
    "Hailey Hannah Harriet Heather Heidi Helen Helena Holly Ida Ingrid Irene Iris Isabel Isabella Isla Ivy Jackie "
    "Jana Jane Janet Janice Jasmine Jen Jenna Jennifer Jenny Jessica Jill Joan Joanna Josephine Joy Joyce Judith Judy "
    "Julia Juliana Julie Juliet June Kaitlyn Karen Kate Katherine Kathleen Kathy Katie Katy Kayla Kelly Kim Kimberly "
    "Kira Kristen Laura Lauren Leah Leila Lena Leslie Lila Lillian Lily Linda Lindsay Lisa Lola Lori Louise Lucia "
    "Lucy Luna Lydia Lynn Mabel Madeline Madison Maggie Mandy Margaret Maria Marie Marilyn Marina Marissa Martha Mary "
    "Maya Megan Melanie Melissa Mia Michelle Mila Mildred Miriam Molly Monica Nadia Nancy Naomi Natalia Natalie "
    "Natasha Nicole Nina Nora Norma Olga Olivia Pamela Patricia Patty Paula Peggy Penelope Penny Phoebe Phyllis Piper "
    "Rachel Rebecca Regina Renee Rita Roberta Rosa Rose Rosie Ruby Ruth Sabrina Sadie Sally Samantha Sandra Sandy "
    "Sara Sarah Sasha Scarlett Selena Sharon Sheila Shelby Shirley Sierra Sofia Sonia Sophia Sophie Stacy Stella "
    "Stephanie Sue Susan Susie Suzanne Sylvia Tamara Tanya Tara Teresa Tessa Theresa Tiffany Tina Tracy Trisha "
    "Valerie Vanessa Vera Veronica Victoria Violet Virginia Vivian Wanda Wendy Whitney Willow Wilma Yolanda Yvonne "
    "Zoe Zoey"
)
HE = (
    "Aaron Abdul Abel Abraham Adam Adrian Ahmed Aidan Alan Albert Alejandro Alexander Alfred Ali Allen Alvin Andre "
    "Andrew Andy Anthony Antonio Arnold Arthur Austin Barry Ben Benjamin Bernard Bernie Bill Billy Blake Bob Bobby "
    "Boris Brad Bradley Brandon Brendan Brent Brett Brian Bruce Bruno Bryan Caleb Calvin Carl Carlos Cedric Chad "
    "Charles Charlie Chester Chris Christian Christopher Clark Clarence Cody Colin Connor Corey Craig Curtis Dale Dan "
    "Daniel Danny Darren Dave David Dean Dennis Derek Diego Dominic Don Donald Donovan Doug Douglas Duncan Dustin "
    "Dwayne Dylan Earl Eddie Edgar Edmund Eduardo Edward Edwin Eli Elias Elijah Elliot Emmanuel Eric Ernest Ethan "
    "Eugene Evan Ezekiel Felix Fernando Francis Francisco Frank Franklin Fred Freddy Frederick Gabriel Garrett Gary "
    "Gavin Gene George Gerald Gilbert Glen Gordon Graham Grant Greg Gregory Gus Hank Harold Harry Harvey Hector Henry "
    "Herbert Herman Howard Hugh Hugo Ian Isaac Isaiah Ivan Jack Jackson Jacob Jake James Jared Jason Javier Jeff "
    "Jeffrey Jeremiah Jeremy Jerome Jerry Jesse Jim Jimmy Joe Joel Joey John Johnny Jonah Jonathan Jorge Jose Joseph "
    "Josh Joshua Juan Julian Julio Julius Justin Karl Keith Ken Kenneth Kenny Kevin Kurt Kyle Lance Larry Lawrence "
    "Leo Leon Leonard Leroy Levi Lewis Liam Lloyd Logan Lorenzo Louis Lucas Luis Luke Manuel Marco Marcus Mario Mark "
    "Marshall Martin Marvin Mason Matt Matteo Matthew Maurice Max Melvin Michael Miguel Mike Miles Milo Mitchell "
    "Mohamed Muhammad Nathan Nathaniel Ned Neil Nicholas Nick Noah Noel Norman Oliver Omar Oscar Otto Owen Pablo "
    "Patrick Paul Pedro Perry Pete Peter Phil Philip Phillip Rafael Ralph Ramon Randall Randy Raul Ray Raymond "
    "Reggie Ricardo Richard Rick Ricky Rob Robert Roberto Rodney Roger Roland Ron Ronald Ronnie Roy Russell Ryan "
    "Salvador Sam Samuel Santiago Scott Sean Sebastian Sergio Seth Shane Shawn Simon Spencer Stan Stanley Stefan "
    "Stephen Steve Steven Stewart Ted Terrence Terry Theodore Thomas Tim Timothy Toby Todd Tom Tommy Tony Travis "
    "Trevor Troy Tyler Tyrone Vernon Victor Vince Vincent Wade Walter Warren Wayne Wesley Will William Winston Wyatt "
    "Xavier Zach Zachary"
)
EITHER = "Alex Avery Bailey Cameron Casey Charlie Dakota Drew Finley Jamie Jordan Kai Lee Lin Morgan Pat Quinn Reese "
EITHER += "Riley Robin Rowan Sage Skyler Taylor Yuki"


def kinds() -> Mapping[str, Kind]:
    """Return every name with the pronouns that it goes with; in two lists, either."""
    found: dict[str, Kind] = dict.fromkeys(SHE.split(), "she")
    for name in HE.split():
        found[name] = "either" if name in found else "he"
    return found | dict.fromkeys(EITHER.split(), "either")
