// SOCI's two databases, declared here because SOCI's own headers for them need the headers of SQLite and
// PostgreSQL.
#pragma once

#include <soci/soci.h>

extern "C" {
const soci::backend_factory* factory_sqlite3();
const soci::backend_factory* factory_postgresql();
}
