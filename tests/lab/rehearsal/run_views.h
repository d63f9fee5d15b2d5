// Run views for tests, in few words.
#pragma once

#include <google/protobuf/text_format.h>

#include <catch2/catch.hpp>
#include <string>

#include "hamisha/orchestrator/v1/orchestrator.pb.h"

inline hamisha::orchestrator::v1::RunView RunOf(const std::string& text) {
  hamisha::orchestrator::v1::RunView run;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(text, &run));
  return run;
}
