#include "benchmarks/postgres/database.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace benchmarks {
namespace {

constexpr int kBinary = 1;

void AppendBigEndian(std::string& bytes, uint64_t value, int width) {
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

}  // namespace

std::string BinaryInt(uint64_t value) {
  std::string bytes;
  AppendBigEndian(bytes, value, 8);
  return bytes;
}

std::string BinaryId(uint64_t high, uint64_t low) { return BinaryInt(high) + BinaryInt(low); }

void BinaryArray::Begin(uint64_t count) {
  bytes_.clear();
  AppendBigEndian(bytes_, 1, 4);  // Dimensions.
  AppendBigEndian(bytes_, 0, 4);  // No nulls.
  AppendBigEndian(bytes_, static_cast<uint32_t>(of_), 4);
  AppendBigEndian(bytes_, count, 4);
  AppendBigEndian(bytes_, 1, 4);  // The first index.
}

void BinaryArray::Add(absl::string_view binary_value) {
  AppendBigEndian(bytes_, binary_value.size(), 4);
  bytes_.append(binary_value.data(), binary_value.size());
}

absl::StatusOr<Database> Database::Connect(const std::string& socket_folder) {
  const std::string where = absl::StrCat("host=", socket_folder, " user=postgres dbname=postgres");
  std::unique_ptr<PGconn, Close> connection(::PQconnectdb(where.c_str()));
  Database database(std::move(connection));
  if (::PQstatus(database.connection_.get()) != CONNECTION_OK) {
    return absl::UnavailableError(
        absl::StrCat("connecting to PostgreSQL: ", ::PQerrorMessage(database.connection_.get())));
  }
  // What exists already is dropped "IF EXISTS": that is no news.
  RETURN_IF_ERROR(database.Execute("SET client_min_messages = warning"));
  return database;
}

absl::Status Database::Check(const Result& result) const {
  const ExecStatusType status = ::PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("PostgreSQL answered: ", ::PQerrorMessage(connection_.get())));
}

absl::Status Database::Execute(const std::string& sql) {
  return Check(Result(::PQexec(connection_.get(), sql.c_str())));
}

absl::StatusOr<std::vector<std::vector<std::string>>> Database::Rows(const std::string& sql) {
  const Result result(::PQexec(connection_.get(), sql.c_str()));
  RETURN_IF_ERROR(Check(result));
  std::vector<std::vector<std::string>> rows(static_cast<size_t>(::PQntuples(result.get())));
  for (size_t row = 0; row < rows.size(); ++row) {
    for (int column = 0; column < ::PQnfields(result.get()); ++column) {
      rows[row].emplace_back(::PQgetvalue(result.get(), static_cast<int>(row), column));
    }
  }
  return rows;
}

absl::StatusOr<std::string> Database::Value(const std::string& sql) {
  ASSIGN_OR_RETURN(const auto rows, Rows(sql));
  if (rows.empty() || rows[0].empty()) return absl::NotFoundError("no row: " + sql);
  return rows[0][0];
}

absl::Status Database::Prepare(const std::string& name, const std::string& sql) {
  return Check(Result(::PQprepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr)));
}

absl::StatusOr<Database::Answer> Database::Run(const std::string& name,
                                               const std::vector<absl::string_view>& parameters) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const absl::string_view parameter : parameters) {
    values.push_back(parameter.data());
    lengths.push_back(static_cast<int>(parameter.size()));
  }
  const std::vector<int> formats(parameters.size(), kBinary);
  const Result result(::PQexecPrepared(connection_.get(), name.c_str(),
                                       static_cast<int>(parameters.size()), values.data(),
                                       lengths.data(), formats.data(), kBinary));
  RETURN_IF_ERROR(Check(result));
  Answer answer{.rows = static_cast<uint64_t>(::PQntuples(result.get()))};
  if (answer.rows > 0 && ::PQgetlength(result.get(), 0, 0) == 8) {
    for (int i = 0; i < 8; ++i) {
      answer.first = answer.first << 8 | static_cast<uint8_t>(::PQgetvalue(result.get(), 0, 0)[i]);
    }
  }
  return answer;
}

}  // namespace benchmarks
