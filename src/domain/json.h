#pragma once
#include "base/json.h"
#include "domain/money.h"
#include "domain/time.h"

// Amounts and moments are plain whole numbers in JSON. Include this where such values are encoded.
template <>
inline constexpr auto base::bare_member<domain::Money> = &domain::Money::micros;
template <>
inline constexpr auto base::bare_member<domain::Time> = &domain::Time::ms;
template <>
inline constexpr auto base::bare_member<domain::Duration> = &domain::Duration::ms;
