"""The help page: each role's week, answers to questions, the words, the keys, whom to ask."""
