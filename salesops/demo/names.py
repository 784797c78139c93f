"""Invented names. Companies are built from syllables, people from given and family names of many languages."""

from __future__ import annotations

from random import Random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIVEN = _words(
    "Aaliyah Abel Adaeze Aiko Alejandro Alina Amara Amir Anaïs Andrei Anneke Aoife Arjun Astrid Ayla Bao "
    "Beatriz Bilal Bram Camille Carlos Chiara Chidi Clara Dalia Daniela Darius Deepika Diego Dmitri Ebba "
    "Elena Elif Emeka Emilia Enzo Esme Farah Federico Felix Fiona Freya Gabriel Gianna Greta Hana Haruto "
    "Hassan Helene Hugo Ibrahim Ida Imani Ines Ingrid Isaac Ivy Jamal Jana Javier Jin Joanna Jonas "
    "Josefina Kai Kamila Karim Keiko Kofi Kwame Lars Laszlo Leila Liam Linh Lorenzo Lucia Magnus Mai "
    "Malik Marcus Mariam Mateo Mei Mika Mina Naledi Nadia Nico Nils Noor Nora Odile Olga Omar Orla Paolo "
    "Pedro Petra Priya Quentin Rafael Ravi Rania Rosa Ruben Ruth Sana Santiago Sara Selma Shira Simone "
    "Sofia Soren Stella Tariq Tess Thandiwe Theo Tomas Tove Uma Valentina Viktor Wanda Wei Xavier Yara "
    "Yuki Yusuf Zainab Zoe "
)

FAMILY = _words(
    "Abara Adeyemi Aguilar Ahlgren Aldana Almqvist Anand Arslan Baptiste Barros Bauer Bellini Benali "
    "Bergstrand Bianchi Boateng Brandt Calloway Carvalho Castellan Chandra Chaudhry Cisneros Dahl "
    "Delacroix Demir Diallo Drummond Duarte Eklund Eriksen Espinoza Falk Fargo Ferrante Fontaine Fujimoto "
    "Gallagher Ghosh Grünwald Haddad Halloran Hartley Hashimoto Hoang Holm Ibáñez Idowu Ilves Ito Jansen "
    "Joubert Kaminski Kapoor Karlsen Keller Khoury Kimura Kovač Kruger Lachance Laurent Leclerc Lindqvist "
    "Lombardi Machado Mahlangu Mancini Marchetti Mbeki McAllister Mendoza Meyer Moreau Morita Mwangi "
    "Nakagawa Navarro Nguyen Nielsen Novak Nwosu Oduya Okafor Olsson Ortega Osei Paredes Park Pereira "
    "Petrov Quintero Rahman Ramos Reinholt Rinaldi Romero Rossi Sadik Salazar Sandoval Santos Sato "
    "Schröder Serrano Shah Sharma Silva Sørensen Takeda Tanaka Teixeira Thorsen Tran Ueda Vaidya Valdez "
    "Vargas Verhoeven Vidal Vogel Wallin Watanabe Weiss Winther Yamamoto Yildiz Zamora Zielinski "
)

_STEMS = _words(
    "Aldr Arvo Belt Brim Cald Corv Dalv Dren Elv Esk Falm Fenn Gald Grev Halv Hest Ister Jarn Kelm Kolv "
    "Lant Lorv Mald Merv Norv Nyst Oldr Osk Pell Prav Quand Rask Rovn Selv Skel Stav Tarn Torv Ulv Vant "
    "Velm Vorr Wend Wyst Yarv Zell Bosk Drav Holt Pern "
)

_ENDINGS = _words("ora elund hart imar ado wick enna ault isto anza borg ington eva oni estra ique mere aro ")

_WORDS = {
    "Food & Beverage": ("Foods", "Dairies", "Bakeries", "Beverages", "Provisions"),
    "Retail": ("Stores", "Market", "Retail Group", "Outlets", "Home"),
    "Manufacturing": ("Works", "Components", "Tooling", "Castings", "Industries"),
    "Logistics": ("Logistics", "Freight", "Haulage", "Parcel", "Lines"),
    "Pharma & Health": ("Pharma", "Biologics", "Health", "Medical Supply", "Clinics"),
    "Energy & Utilities": ("Energy", "Utilities", "Grid", "Renewables", "Water"),
    "Automotive": ("Automotive", "Motor Parts", "Mobility", "Axles", "Coachworks"),
    "Public Sector": ("Municipal Services", "Port Authority", "Transit", "Health Trust", "School District"),
}

INDUSTRIES = tuple(_WORDS)


def person_names(rng: Random, count: int) -> list[str]:
    """So many different full names; given names repeat seldom, family names hardly."""
    given, family = list(GIVEN), list(FAMILY)
    rng.shuffle(given)
    rng.shuffle(family)
    return [
        f"{given[i % len(given)]} {family[(i * 7 + i // len(family)) % len(family)]}" for i in range(count)
    ]


def company_names(rng: Random, industries: list[str]) -> list[str]:
    """One invented company name for each industry given, all different."""
    seen: set[str] = set()
    names: list[str] = []
    for industry in industries:
        while True:
            name = f"{rng.choice(_STEMS)}{rng.choice(_ENDINGS)} {rng.choice(_WORDS[industry])}"
            if name not in seen:
                break
        seen.add(name)
        names.append(name)
    return names
