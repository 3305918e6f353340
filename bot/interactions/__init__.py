"""What people do with the mouse: forms are opened within the request, everything else is done from the inbox.

payloads     what Slack sends of a click, a shortcut, a form; pure
front        what is answered before anything is stored: forms are opened, and what is wrong in them is shown
dispatch     from a stored interaction to whom it concerns
context      a thread's text, as the first message of a session
start_form   the form that starts a session was sent
card         the buttons of a session's card
"""
