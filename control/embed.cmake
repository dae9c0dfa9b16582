# Writes INPUT as the C++ string control::NAME to OUTPUT, in pieces that every compiler takes.
# A piece may end within a character of several bytes, so INPUT is ASCII.
file(READ ${INPUT} text)
string(LENGTH "${text}" length)
set(pieces "")
set(at 0)
while(at LESS length)
    string(SUBSTRING "${text}" ${at} 4000 piece)
    string(APPEND pieces "    R\"document(${piece})document\"\n")
    math(EXPR at "${at} + 4000")
endwhile()
file(WRITE ${OUTPUT} "#include \"control/${NAME}.hpp\"\n\nnamespace control {\n\nconst std::string_view ${NAME} =\n${pieces}    ;\n\n} // namespace control\n")
