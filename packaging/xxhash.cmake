# livecount::xxhash: the header xxhash.h. It is used header-only, and distributions differ in what else they ship with
# it, so the header alone is looked for. Included by CMakeLists.txt and, installed beside it, by livecount-config.cmake.
if(NOT TARGET livecount::xxhash)
  find_path(LIVECOUNT_XXHASH_INCLUDE_DIR xxhash.h)
  mark_as_advanced(LIVECOUNT_XXHASH_INCLUDE_DIR)
  if(LIVECOUNT_XXHASH_INCLUDE_DIR)
    # before 0.8 the functions of XXH3 were in another header, and unstable
    file(STRINGS ${LIVECOUNT_XXHASH_INCLUDE_DIR}/xxhash.h livecount_xxh3 REGEX "XXH3_64bits_withSeed" LIMIT_COUNT 1)
    if(livecount_xxh3)
      add_library(livecount::xxhash INTERFACE IMPORTED GLOBAL)
      target_include_directories(livecount::xxhash INTERFACE ${LIVECOUNT_XXHASH_INCLUDE_DIR})
    endif()
  endif()
endif()
