"""The names that the invented company is made of."""

# ruff: noqa: SIM905 - a hundred names are read best as one text

from __future__ import annotations

GIVEN = tuple(
    "Adaeze Ahmet Aisha Amara Ana Anouk Arjun Astrid Bao Bart Beatriz Callum Camille Chidi Chloé Daan Daniela "
    "Darius Deepa Diego Elif Elena Emeka Emma Eva Fatima Femke Finn Francisca Freya Gabriel Giulia Grace Greta "
    "Hana Hassan Hiro Ingrid Isaac Isabel Ivan Jamal Jana Jasper José Joy Julia Kai Karim Katarzyna Kenji Lars "
    "Latoya Leila Liang Linh Lotte Lucía Luuk Mads Mai Malik Maren Marcus Maria Mateo Mehmet Mei Mila Mohammed "
    "Nadia Naomi Nils Nina Noor Olivia Omar Oscar Owen Paula Pieter Priya Quynh Rafael Rashid Renée Rosa Ruben "
    "Samira Sanne Sara Siew Sofia Stefan Sven Tamara Tariq Thandi Thomas Tomás Ursula Valeria Vikram Wei Willem "
    "Xin Yara Yasmin Yusuf Zainab Zoë".split()
)
SURNAME = tuple(
    "Abdi Adeyemi Ali Andersson Arslan Bakker Bauer Becker Bianchi Boateng Brooks Carter Castillo Chan Chen Chua "
    "Clark Cohen Costa Dekker Demir Díaz Dijkstra Dubois Eriksen Fernández Fischer Foster Garcia Ghosh Goh Gomez "
    "Green Gupta Haddad Hall Hansen Hernández Ho Hoang Hoekstra Hoffmann Huang Hughes Ibrahim Ito Jackson Jansen "
    "Jensen Johnson Kaya Khan Kim Klein Koch Kowalski Kumar Lee Lim Lindqvist López Mansour Martens Martin Mensah "
    "Meyer Miller Mitchell Moreau Mulder Müller Murphy Nair Nguyen Nowak Okafor Oliveira Osei Park Patel Pereira "
    "Peters Petrov Pham Ramirez Reid Richter Rivera Rossi Santos Sato Schäfer Schneider Schulz Sharma Silva Singh "
    "Smit Smith Tan Tran Turner Vega Visser Vos Wagner Walker Wang Weber Williams Wong Y\u0131lmaz Zhang Zimmermann".split()
)

# Department, share of the people, job titles from the many to the few.
DEPARTMENTS = (
    (
        "Operations",
        27,
        ("Forwarding Agent", "Shipment Coordinator", "Operations Planner", "Operations Manager"),
    ),
    ("Customs", 12, ("Customs Declarant", "Customs Specialist", "Compliance Officer")),
    ("Sales", 17, ("Account Manager", "Sales Representative", "Key Account Manager", "Sales Director")),
    ("Warehouse", 14, ("Warehouse Planner", "Inventory Clerk", "Shift Lead")),
    ("Finance", 11, ("Accounts Payable Clerk", "Accountant", "Controller", "Treasury Analyst")),
    ("IT", 8, ("Systems Administrator", "Service Desk Analyst", "Network Engineer", "Cloud Engineer")),
    ("Human Resources", 5, ("Recruiter", "HR Business Partner")),
    ("Legal", 3, ("Legal Counsel", "Contract Manager")),
    ("Marketing", 3, ("Content Editor", "Campaign Manager")),
)
EXECUTIVES = ("Chief Executive Officer", "Chief Financial Officer")

# Accounts that programs use: name, what for, the servers' kind where it works.
SERVICES = (
    ("svc-deploy", "Software deployment", "Members of the server administrators"),
    ("svc-backup", "Nightly backup", "Backup Operators"),
    ("svc-sql", "Database engine", "SQL Service Accounts"),
    ("svc-scan", "Vulnerability scanner", "Scanner Accounts"),
    ("svc-sync", "Directory synchronisation", "Directory Synchronisation"),
    ("svc-print", "Print service", "Print Operators"),
)

PROJECTS = tuple(
    "Atlas Beacon Cargo Delta Ember Falcon Gantry Harbour Inland Jetty Keel Lantern Mooring Northsea Orient Pallet "
    "Quay Reefer Stevedore Tideway Upstream Voyage Windlass Xebec Yardarm Zenith".split()
)
FILES = tuple(
    f"{topic} {detail}.{ending}"
    for topic in (
        "Rate sheet",
        "Bill of lading",
        "Invoice",
        "Packing list",
        "Shipment plan",
        "Contract",
        "Budget",
    )
    for detail in ("Q1", "Q2", "Q3", "Q4", "draft", "final", "signed", "2026", "Rotterdam", "Houston")
    for ending in ("xlsx", "docx", "pdf")
)
SUBJECTS = tuple(
    f"{head} {tail}"
    for head in (
        "Re: booking",
        "Customs papers for",
        "Arrival notice",
        "Fwd: container",
        "Quote for",
        "Invoice for",
    )
    for tail in (f"{project} {number}" for number, project in enumerate(PROJECTS, 4100))
)
PARTNERS = tuple(
    f"{name}.example"
    for name in (
        "northquay-lines blueharbor-shipping castellan-customs delvaux-trucking eastgate-terminals ferro-rail "
        "greenline-barges hanse-warehousing isthmus-carriers juniper-packaging kestrel-insurance lumen-office "
        "mistral-air orchard-foods pinnacle-parts quarry-stone redwood-timber summit-sports"
    ).split()
)
