"""`llmtrain top`: what a job and its ranks do now, as Prometheus was last told.

ranks.py   what is asked, and what is known of each rank
screen.py  how it looks, as far as the terminal has room
live.py    again and again, through scrapes that fail, until the training has ended
"""
