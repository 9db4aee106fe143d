"""Grades: everybody's numbers in one table, and a formula of the organiser's over them."""
