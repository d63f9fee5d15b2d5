#pragma once

#include <string>

namespace benchmarks {

// schema.sql, which is compiled in.
std::string SchemaSql();

}  // namespace benchmarks
