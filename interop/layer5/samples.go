// What the vendor's page does from Go: a design in the organisation that a header names, and how many learners there are, with
// counts that must be whole numbers. Prints the organisation of the design and the sum.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

func ask(method, path string, body []byte, answer any) {
	request, err := http.NewRequest(method, os.Getenv("BASE")+path, bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
	request.Header.Set("layer5-current-orgid", os.Getenv("ORGANIZATION"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		log.Fatalf("%s %s: %s %s", method, path, response.Status, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		log.Fatal(err)
	}
}

func main() {
	var designs []struct {
		Name         string `json:"name"`
		Organization string `json:"org_id"`
		File         string `json:"pattern_file"`
	}
	design, _ := json.Marshal(map[string]string{"name": "from-go", "pattern_file": "..."})
	ask("POST", "/api/pattern", design, &designs)
	var curricula struct {
		Total int `json:"total"`
		Data  []struct {
			Learners int `json:"registration_count"`
		} `json:"data"`
	}
	ask("GET", "/api/academy/cirricula", nil, &curricula)
	sum := 0
	for _, one := range curricula.Data {
		sum += one.Learners
	}
	fmt.Println(len(designs), designs[0].Name, designs[0].Organization, designs[0].File, sum)
}
