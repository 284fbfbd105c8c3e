"""Taking over what is there already: documents for it, and a memory of it, with nothing written at any vendor.

What enters is what providers list (`ports.listing`); what leaves are drafts, which are checked as the loader and the engine
would check them before anybody writes them down (`drafting`). `naming` gives each object a name that stays, `writing` turns
drafts into files and never touches one that is there, `remembering` puts objects into state and proves that the next plan
has nothing to do with them. It knows no vendor and asks nobody.
"""
