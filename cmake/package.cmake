# What `cmake --install` puts in place beside the programs, and the Debian package (`cpack -G DEB`).
include(GNUInstallDirs)
install(FILES packaging/teal-gateway.service DESTINATION lib/systemd/system)
install(FILES packaging/teal.yaml DESTINATION ${CMAKE_INSTALL_DATADIR}/teal)
install(FILES packaging/man/teal-gateway.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES packaging/man/teal-broker.1 packaging/man/teal-load.1 packaging/man/tealctl.1
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME teal)
set(CPACK_PACKAGE_VENDOR "Teal")
set(CPACK_PACKAGE_CONTACT "the Teal maintainers <maintainers@teal.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_OUTPUT_FILE_PREFIX ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
# The versions of the shared libraries that the programs were linked with; needs dpkg-dev.
find_program(TEAL_SHLIBDEPS dpkg-shlibdeps)
if(TEAL_SHLIBDEPS)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
else()
    set(CPACK_DEBIAN_PACKAGE_DEPENDS
        "libc6, libstdc++6, libssl3, libyaml-cpp0.7, libprometheus-cpp-core1.0, zlib1g")
endif()
include(CPack)
