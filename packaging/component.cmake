# livecount_component(NAME HEADERS ... LINK ...)
# makes the target livecount::NAME, and its own export set and pkg-config file, so that who installs one component
# need not have what another one links.

if(LIVECOUNT_INSTALL AND NOT CMAKE_SKIP_INSTALL_RULES)
  include(GNUInstallDirs)
  include(CMakePackageConfigHelpers)
  set(livecount_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/livecount)
  # While the version is 0.x a new minor version may break its users; from 1.0 on: SameMajorVersion.
  write_basic_package_version_file(livecount-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
  install(FILES packaging/livecount-config.cmake packaging/xxhash.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/livecount-config-version.cmake DESTINATION ${livecount_package_dir})
endif()

function(livecount_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;LINK")
  add_library(livecount_${name} INTERFACE)
  add_library(livecount::${name} ALIAS livecount_${name})
  set_target_properties(livecount_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(livecount_${name} INTERFACE cxx_std_20)
  target_link_libraries(livecount_${name} INTERFACE ${arg_LINK})
  target_sources(livecount_${name} INTERFACE FILE_SET HEADERS BASE_DIRS include FILES ${arg_HEADERS})

  if(livecount_package_dir)
    install(TARGETS livecount_${name} EXPORT livecount-${name} FILE_SET HEADERS)
    install(EXPORT livecount-${name} NAMESPACE livecount:: DESTINATION ${livecount_package_dir}
      FILE livecount-targets-${name}.cmake)
    if(name STREQUAL "livecount")
      set(file livecount.pc)
    else()
      set(file livecount-${name}.pc)
    endif()
    configure_file(packaging/${file}.in ${file} @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
  endif()
endfunction()
