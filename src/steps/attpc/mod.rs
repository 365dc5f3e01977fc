//! Steps of the AT-TPC chain.
