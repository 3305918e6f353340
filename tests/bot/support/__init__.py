"""What the stories of the Slack door share: a workspace, a database that can die, and people to act as."""
