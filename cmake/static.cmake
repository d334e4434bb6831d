# prefer_static(): links what find_package() has found from archives wherever those are installed,
# instead of from shared libraries. One program is then all that a node needs, and its start, which
# every command of the command line pays, takes a third of the time.
function(prefer_static)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target ${targets})
    foreach(suffix "" _NONE _RELEASE _RELWITHDEBINFO _DEBUG)
      get_target_property(library ${target} IMPORTED_LOCATION${suffix})
      string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${library}")
      if(NOT archive STREQUAL library AND EXISTS ${archive})
        set_property(TARGET ${target} PROPERTY IMPORTED_LOCATION${suffix} ${archive})
      endif()
    endforeach()
  endforeach()
endfunction()
