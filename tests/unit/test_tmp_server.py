import os, time
from tests import server
from sqlalchemy import text
import pytest


@pytest.mark.parametrize("i", range(4))
def test_x(i):
    n = server.new_name()
    u = server.create_database(server.admin_url(), n)
    with server.administering(u) as c:
        c.execute(text("create table t(i int)"))
    m = server.new_name()
    u2 = server.create_database(server.admin_url(), m, template=n)
    with server.administering(u2) as c:
        assert c.scalar(text("select count(*) from t")) == 0
    server.drop_database(server.admin_url(), m)
    time.sleep(float(os.environ.get("NAP", "0")))
