# proto_library(<name> <file>): the library <name> of what protoc makes of contracts/<file>, as
# messages and as a gRPC service. Made by tools, so our warnings do not apply to it; it is included
# as "contracts/<file without .proto>.grpc.pb.h".
function(proto_library name file)
  string(REPLACE ".proto" "" stem contracts/${file})
  set(folder ${PROJECT_BINARY_DIR}/generated)
  set(made ${folder}/${stem}.pb.cc ${folder}/${stem}.grpc.pb.cc)
  add_custom_command(
    OUTPUT ${made} ${folder}/${stem}.pb.h ${folder}/${stem}.grpc.pb.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND protobuf::protoc -I ${PROJECT_SOURCE_DIR} --cpp_out ${folder} --grpc_out ${folder}
            --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>
            ${PROJECT_SOURCE_DIR}/contracts/${file}
    DEPENDS ${PROJECT_SOURCE_DIR}/contracts/${file}
    VERBATIM)
  add_library(${name} STATIC ${made})
  target_compile_options(${name} PRIVATE -w)
  target_include_directories(${name} SYSTEM PUBLIC ${folder})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf gRPC::grpc++)
endfunction()
