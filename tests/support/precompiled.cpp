// SPDX-License-Identifier: BSL-1.0
// What the headers that tests share are read for; tests/CMakeLists.txt names them.
