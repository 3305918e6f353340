"""The agent's answers in a thread: streamed while they grow, continued before a stream expires, else posted and edited.

text        an answer as Markdown for Slack: in parts that fit, and such that nobody is called by it
calls       what is asked of Slack: begin, append, stop, rewrite, and find what may have been begun
recipients  for whom a stream is shown
told        one answer, and how it stands in the thread
streams     whether the workspace takes streams now
telling     the next step towards the thread that tells all of it
answers     which blocks of the log make an answer, and what of it is still to be told
"""
