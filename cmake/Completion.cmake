# Shell completion comes from the command itself, `grapevine completion SHELL`, asked when it is installed.
function(grapevine_install_completion target)
    set(folder "${PROJECT_BINARY_DIR}/completion")
    foreach(entry IN ITEMS bash|grapevine|bash-completion/completions zsh|_grapevine|zsh/vendor-completions
            fish|grapevine.fish|fish/vendor_completions.d)
        string(REPLACE "|" ";" entry "${entry}")
        list(GET entry 0 shell)
        list(GET entry 1 file)
        list(GET entry 2 destination)
        install(CODE "
            file(MAKE_DIRECTORY \"${folder}/${shell}\")
            execute_process(COMMAND \"$<TARGET_FILE:${target}>\" completion ${shell}
                OUTPUT_FILE \"${folder}/${shell}/${file}\" RESULT_VARIABLE result ERROR_QUIET)
            if(NOT result EQUAL 0)
                file(REMOVE \"${folder}/${shell}/${file}\")
            endif()" COMPONENT programs)
        install(FILES "${folder}/${shell}/${file}" DESTINATION "${CMAKE_INSTALL_DATADIR}/${destination}"
            COMPONENT programs OPTIONAL)
    endforeach()
endfunction()
