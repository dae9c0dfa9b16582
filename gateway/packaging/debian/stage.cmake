# What Debian wants beside what `cmake --install` puts in place: run by cpack on the staged files, before they are packed.
# A conffile is no part of `cmake --install`, which would put it over the one that is in use.

cmake_minimum_required(VERSION 3.25)
set(here ${CMAKE_CURRENT_LIST_DIR})
set(root ${CPACK_TEMPORARY_DIRECTORY})
set(ENV{DESTDIR} "") # the paths here are whole
if(NOT EXISTS ${root}/usr/bin/teal-gateway)
    message(FATAL_ERROR "nothing is staged in ${root}")
endif()
set(doc ${root}/usr/share/doc/teal)

file(INSTALL ${here}/../teal.yaml DESTINATION ${root}/etc/teal)
file(INSTALL ${here}/copyright DESTINATION ${doc})

string(TIMESTAMP TEAL_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(GLOB_RECURSE pages ${root}/usr/share/man/*.[0-9])
file(CONFIGURE OUTPUT ${doc}/changelog CONTENT
"teal (@CPACK_PACKAGE_VERSION@) unstable; urgency=medium

  * See README.md and docs/contract.md of this version.

 -- @CPACK_PACKAGE_CONTACT@  @TEAL_DATE@
" @ONLY)
foreach(file IN LISTS pages ITEMS ${doc}/changelog)
    execute_process(COMMAND gzip -9nf ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
# The packer's umask says nothing about the package.
execute_process(COMMAND chmod -R u=rwX,go=rX ${root} COMMAND_ERROR_IS_FATAL ANY)
