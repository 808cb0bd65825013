"""Speed of the refresh beside the yardstick's hand-written limit, in the same run. It measures; it does not judge."""
