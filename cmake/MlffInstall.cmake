# cmake --install build --prefix P: programs in P/bin, libraries in P/lib, headers in P/include/mlff, and what programs read in P/share/mlff. The tree can
# be moved: libraries find each other, and the package its files, by the place of the library. Files of LAMMPS that our programs do not need stay away.
set(CMAKE_INSTALL_LIBDIR lib)
include(CMakePackageConfigHelpers)

# In the build folder the same places lead to the source tree.
set(shipped ${CMAKE_BINARY_DIR}/share/mlff)
file(MAKE_DIRECTORY ${shipped})
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/potentials ${shipped}/potentials SYMBOLIC)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/tools/scripts ${shipped}/scripts SYMBOLIC)
# the Python that has what the scripts need; another one does where this one is not
if(MLFF_PYTHON)
  file(WRITE ${shipped}/python "${MLFF_PYTHON}\n")
else()
  file(WRITE ${shipped}/python "python3\n")
endif()

set(libraries mlff_engine lammps)
if(MLFF_XTB)
  list(APPEND libraries mlff_xtb)
endif()
# LibTorch stays where it is
if(MLFF_TORCH)
  set(torch ${TORCH_INSTALL_PREFIX}/lib)
endif()
set_target_properties(${libraries} PROPERTIES INSTALL_RPATH "$ORIGIN;${torch}")
set_target_properties(lmp mlff PROPERTIES INSTALL_RPATH "$ORIGIN/../lib;${torch}")
install(TARGETS mlff_engine EXPORT mlff LIBRARY DESTINATION lib)
list(REMOVE_ITEM libraries mlff_engine)
install(TARGETS ${libraries} lmp mlff RUNTIME DESTINATION bin LIBRARY DESTINATION lib NAMELINK_SKIP)

foreach(folder core structure potential engine)
  install(DIRECTORY src/${folder} DESTINATION include/mlff FILES_MATCHING PATTERN *.h)
endforeach()
install(DIRECTORY potentials DESTINATION share/mlff)
install(DIRECTORY tools/scripts DESTINATION share/mlff FILES_MATCHING PATTERN plot_*.py PATTERN lint EXCLUDE)
install(FILES ${shipped}/python DESTINATION share/mlff)
install(DIRECTORY doc/user doc/guide DESTINATION share/doc/mlff)
install(FILES README.md LICENSE CHANGELOG.md DESTINATION share/doc/mlff)

set_target_properties(mlff_engine PROPERTIES EXPORT_NAME engine)
install(EXPORT mlff NAMESPACE mlff:: FILE mlffTargets.cmake DESTINATION lib/cmake/mlff)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/mlffConfig.cmake.in ${CMAKE_BINARY_DIR}/mlffConfig.cmake INSTALL_DESTINATION lib/cmake/mlff)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/mlffConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/mlffConfig.cmake ${CMAKE_BINARY_DIR}/mlffConfigVersion.cmake DESTINATION lib/cmake/mlff)
