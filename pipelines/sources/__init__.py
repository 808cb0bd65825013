"""Where records come from: one folder a vendor, blind to one another; `files` for drops. They yield, others store."""
