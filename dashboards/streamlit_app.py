"""The router: which pages there are, and what every page begins with. Start it with `streamlit run`."""

from pathlib import Path

import streamlit as st

from dashboards import page, publication
from dashboards.data import UnavailableError

# a file of our own: a named icon here would be fetched from another host
st.set_page_config(page_title="Wherehouse", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")

if not st.user.get("is_logged_in", True):  # only where sign-in is set up: see the README
    st.title("Wherehouse")
    st.button("Sign in", on_click=st.login, type="primary")
    st.stop()

chosen = st.navigation(
    [
        st.Page("app_pages/overview.py", title="Overview", icon=":material/home:", default=True),
        st.Page("app_pages/carrier_scorecard.py", title="Carrier scorecard", icon=":material/local_shipping:"),
        st.Page("app_pages/lanes.py", title="Lanes and promises", icon=":material/route:"),
        st.Page("app_pages/at_risk.py", title="At risk and predictions", icon=":material/warning:"),
        st.Page("app_pages/wismo.py", title="WISMO", icon=":material/contact_support:"),
        st.Page("app_pages/returns.py", title="Returns", icon=":material/assignment_return:"),
        st.Page("app_pages/track.py", title="Track an order", icon=":material/search:"),
        st.Page("app_pages/data_health.py", title="Data health", icon=":material/monitor_heart:"),
    ],
    position="top",
)
# chosen values are written in white, which cannot be read on the light blue of the dark theme
st.html("<style>[data-tag] { background-color: #0b62a4 !important; }</style>")
st.title(chosen.title)
try:
    page.freshness_line(publication.current())
    chosen.run()
except UnavailableError as problem:
    st.warning(str(problem), icon=":material/info:")
